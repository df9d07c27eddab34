/**
 * External authorisation by a real Envoy and by our own proxy: the very same bytes of configuration, the same servers of other makes
 * (`@grpc/grpc-js`, `node:http`), the same questions and the same outcome.
 */
import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import { messageAsJson } from '#/cli/output/xds-json.ts'
import type { Cluster } from '#/model/cluster.ts'
import type { ExternalAuthorization } from '#/model/external-authorization.ts'
import type { Listener } from '#/model/listener.ts'
import {
  type GrpcAuthorizationServer,
  startGrpcAuthorization,
} from '#/proxy/policy/authorization/testing/authorization-server.ts'
import { startEngine, type TestEngine, until } from '#/proxy/testing/engine.ts'
import { type Application, call, startApplication } from '#/proxy/testing/peer.ts'
import { applicationCluster, edsCluster, endpoint, inboundListener } from '#/proxy/testing/resources.ts'
import type { HostPort } from '#/std/host-port.ts'
import { decoders } from '#/xds/resources/decode/decoders.ts'
import { encodeCluster } from '#/xds/resources/encode/cluster.ts'
import { encodeListener } from '#/xds/resources/encode/listener.ts'
import { freePort } from '../contract/suite.ts'
import { type EnvoyProcess, startEnvoy } from './envoy.ts'

const base = { timeoutMs: 300, onFailure: 'deny', statusOnError: 503 } as const
const http = {
  type: 'http',
  cluster: 'by-http',
  authority: 'authz.shop:80',
  pathPrefix: '/check',
  headers: ['x-want', 'x-tenant'],
  requestHeaders: ['x-user'],
  clientHeaders: ['location', 'x-why'],
} as const

const filters: Record<string, ExternalAuthorization> = {
  grpc: { ...base, service: { type: 'grpc', cluster: 'by-grpc' } },
  'grpc with body': {
    ...base,
    service: { type: 'grpc', cluster: 'by-grpc' },
    body: { bytesMax: 16, mayBePartial: false },
  },
  'grpc with a part of the body': {
    ...base,
    service: { type: 'grpc', cluster: 'by-grpc', headers: ['x-want'] },
    body: { bytesMax: 16, mayBePartial: true },
  },
  'grpc, open': { ...base, onFailure: 'allow', service: { type: 'grpc', cluster: 'by-grpc' } },
  http: { ...base, service: http },
  'http, open': { ...base, onFailure: 'allow', service: http },
}

const header = (key: string, value: string, more: object = {}) => ({ header: { key, value }, ...more })

/** What the server says, by what the client wants it to. */
function grpcAnswer(want: string) {
  const ok = (value: object) => ({ status: { code: 0 }, httpResponse: { case: 'okResponse' as const, value } })
  const no = (value: object) => ({ status: { code: 7 }, httpResponse: { case: 'deniedResponse' as const, value } })
  if (want === 'allow') return { status: { code: 0 } }
  if (want === 'set') return ok({ headers: [header('x-user', 'ann')], headersToRemove: ['x-tenant'] })
  if (want === 'append') return ok({ headers: [header('x-user', 'ann', { append: { value: true } })] })
  if (want === 'answer') return ok({ responseHeadersToAdd: [header('x-why', 'seen')] })
  if (want === 'redirect') return no({ status: { code: 302 }, headers: [header('location', 'https://login.example/')] })
  if (want === 'words') return no({ status: { code: 429 }, body: 'too often' })
  if (want === 'deny') return { status: { code: 16 } }
  return undefined
}

const wants = ['allow', 'set', 'append', 'answer', 'redirect', 'words', 'deny', 'silence']

let app: Application
let grpcServer: GrpcAuthorizationServer
let httpServer: Application
let envoy: EnvoyProcess
let weft: TestEngine
const places: Record<'weft' | 'envoy', Record<string, HostPort>> = { weft: {}, envoy: {} }
const cleanups: (() => void)[] = []

before(async () => {
  app = await startApplication('app', (_request, response, body) => response.end(`app ${body}`))
  const later = { after: (run: () => void) => void cleanups.push(run) } as unknown as TestContext
  grpcServer = await startGrpcAuthorization(later, ({ attributes }) =>
    grpcAnswer(attributes!.request!.http!.headers['x-want'] ?? ''),
  )
  httpServer = await startApplication('authz', (request, response) => {
    const want = request.headers['x-want']
    if (want === 'set') response.setHeader('x-user', 'ann').setHeader('x-other', 'no').end()
    else if (want === 'redirect') response.writeHead(302, { location: 'https://login.example/', 'x-inner': '1' }).end()
    else if (want === 'words') response.writeHead(429, { 'x-why': 'often' }).end('too often')
    else if (want === 'deny') response.writeHead(401).end()
    else if (want === 'broken') response.writeHead(500).end()
    else if (want !== 'silence') response.end()
  })
  const server = (name: string, port: number, protocol: Cluster['protocol']): Cluster =>
    edsCluster(name, { discovery: { type: 'static', endpoints: [endpoint(port)] }, protocol })
  const clusters = [
    applicationCluster(app.port),
    server('by-grpc', grpcServer.port, 'http2'),
    server('by-http', httpServer.port, 'http1'),
  ]
  weft = startEngine()
  for (const cluster of clusters) weft.source.set('cluster', cluster)
  const listeners: object[] = []
  for (const [name, externalAuthorization] of Object.entries(filters)) {
    const address = { host: '127.0.0.1', port: await freePort() }
    const listener: Listener = { ...inboundListener(app.port), name, address, filters: { externalAuthorization } }
    const message = encodeListener(listener)
    listeners.push(messageAsJson('listener', message) as object)
    places.envoy[name] = address
    const decoded = decoders.listener(message)
    if (!decoded.ok) throw new Error(decoded.faults.join('\n'))
    weft.source.set('listener', { ...decoded.value, address: { host: '127.0.0.1', port: 0 } })
  }
  const encoded = clusters.map((cluster) => messageAsJson('cluster', encodeCluster(cluster)) as object)
  envoy = await startEnvoy({ static_resources: { listeners, clusters: encoded } })
  await until(() => weft.engine.isReady, 'readiness')
  for (const name of Object.keys(filters)) places.weft[name] = weft.address(name)
})

after(async () => {
  weft?.close()
  await envoy?.stop()
  for (const run of cleanups) run()
  await Promise.all([app?.close(), httpServer?.close()])
})

interface Outcome {
  status: number
  told: (string | undefined)[]
  body: string
  heard: (string | undefined)[] | 'nothing'
  asked: unknown
}

/** Everything that client, application and server saw, but for what proxies add of their own. */
async function outcome(who: 'weft' | 'envoy', name: string, sent: { want: string; body?: string }): Promise<Outcome> {
  for (const list of [app.seen, app.headers, app.bodies, httpServer.seen, httpServer.headers, grpcServer.asked])
    list.length = 0
  const headers = { 'x-want': sent.want, 'x-tenant': 'blue', 'x-user': 'forged', authorization: 'Bearer t' }
  const {
    status,
    headers: answer,
    body,
  } = await call(places[who][name]!, {
    host: 'app.shop',
    path: '/a/b?c=d',
    headers,
    ...(sent.body === undefined ? {} : { method: 'POST', body: sent.body }),
  })
  const pick = (from: Record<string, unknown>, names: string[]) =>
    names.map((one) => (from[one] as string | undefined)?.replaceAll(', ', ','))
  const heard = app.headers[0] ? pick(app.headers[0], ['x-user', 'x-tenant', 'authorization']) : ('nothing' as const)
  const question = grpcServer.asked[0]?.attributes?.request?.http
  const named = ['x-want', 'x-tenant', 'authorization', ':path', ':method', ':authority', 'x-envoy-auth-partial-body']
  const asked = question
    ? {
        line: [question.method, question.path, question.host, question.scheme, question.protocol],
        headers: pick(question.headers, named),
        body: Buffer.from(question.rawBody).toString(),
      }
    : httpServer.headers[0] && {
        line: httpServer.seen[0],
        headers: pick(httpServer.headers[0], ['host', 'x-want', 'x-tenant', 'authorization', 'x-user', 'cookie']),
      }
  // A proxy's own refusal is in its own words.
  const isServersWord = status === 200 || (sent.want === 'words' && status !== 413)
  return {
    status,
    told: pick(answer, ['location', 'x-why', 'x-inner']),
    body: isServersWord ? body : '',
    heard,
    asked,
  }
}

for (const name of Object.keys(filters)) {
  const isHttp = name.startsWith('http')
  const all = isHttp ? ['allow', 'set', 'redirect', 'words', 'deny', 'broken', 'silence'] : wants
  test(`${name}: Envoy and our proxy ask the same and do the same, whatever the server says`, async () => {
    for (const want of all) {
      const ours = await outcome('weft', name, { want })
      assert.deepEqual(ours, await outcome('envoy', name, { want }), want)
    }
  })
  if (!name.includes('body')) continue
  test(`${name}: Envoy and our proxy tell as much of it`, async () => {
    for (const body of ['short', '0123456789abcdef', '0123456789abcdefg', 'x'.repeat(100_000)])
      for (const want of ['allow', 'words']) {
        const ours = await outcome('weft', name, { want, body })
        assert.deepEqual(ours, await outcome('envoy', name, { want, body }), `${want} ${body.slice(0, 20)}`)
      }
  })
}
