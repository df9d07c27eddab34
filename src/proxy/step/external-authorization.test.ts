/** Requests about which a server of another make is asked, by gRPC and by HTTP. */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { ExternalAuthorization } from '#/model/external-authorization.ts'
import { startGrpcAuthorization } from '#/proxy/policy/authorization/testing/authorization-server.ts'
import { startEngine, type TestEngine, until } from '#/proxy/testing/engine.ts'
import { application } from '#/proxy/testing/outbound.ts'
import { type Application, call, startApplication, unusedPort } from '#/proxy/testing/peer.ts'
import { applicationCluster, edsCluster, endpoint, inboundListener } from '#/proxy/testing/resources.ts'
import type { HostPort } from '#/std/host-port.ts'

const cluster = 'authz.shop.svc.cluster.local:9000'

const byGrpc: ExternalAuthorization = {
  service: { type: 'grpc', cluster },
  timeoutMs: 2000,
  onFailure: 'deny',
  statusOnError: 403,
}

const byHttp: ExternalAuthorization = {
  ...byGrpc,
  service: { type: 'http', cluster, authority: 'authz.shop:9000', pathPrefix: '/check', headers: ['x-tenant'] },
}

interface Scene extends TestEngine {
  app: Application
  proxy: HostPort
  get: (
    headers?: Record<string, string>,
    more?: { method?: string; path?: string; body?: string },
  ) => ReturnType<typeof call>
}

/** A sidecar whose application is asked for, and the server at `port` that it asks. */
async function start(t: TestContext, externalAuthorization: ExternalAuthorization, port: number): Promise<Scene> {
  const app = await application(t, 'app')
  const started = startEngine()
  t.after(() => started.close())
  const { source, engine, address } = started
  source.set('cluster', applicationCluster(app.port))
  const protocol = externalAuthorization.service.type === 'grpc' ? 'http2' : 'http1'
  source.set('cluster', edsCluster(cluster, { discovery: { type: 'static', endpoints: [endpoint(port)] }, protocol }))
  source.set('listener', { ...inboundListener(app.port), filters: { externalAuthorization } })
  await until(() => engine.isReady, 'readiness')
  const proxy = address(inboundListener(app.port).name)
  return { ...started, app, proxy, get: (headers = {}, more = {}) => call(proxy, { headers, ...more }) }
}

const header = (key: string, value: string, more: object = {}) => ({ header: { key, value }, ...more })

test('a request that the server allows goes on, with what it changes', async (t) => {
  const server = await startGrpcAuthorization(t, () => ({
    status: { code: 0 },
    httpResponse: {
      case: 'okResponse',
      value: {
        headers: [header('X-User', 'ann'), header('x-group', 'two', { append: { value: true } })],
        headersToRemove: ['x-secret'],
        responseHeadersToAdd: [header('set-cookie', 'seen=1')],
        queryParametersToSet: [{ key: 'tenant', value: 'a b' }],
        queryParametersToRemove: ['debug'],
      },
    },
  }))
  const { get, app, events } = await start(t, byGrpc, server.port)
  const sent = { 'x-user': 'mallory', 'x-group': 'one', 'x-secret': 'no', 'x-request-id': 'r-1', host: 'app.shop' }
  const answer = await get(sent, { path: '/a/b?debug=1&page=2' })
  assert.equal(answer.status, 200)
  assert.equal(String(answer.headers['set-cookie']), 'seen=1')
  assert.equal(app.seen[0], 'GET /a/b?page=2&tenant=a%20b')
  const { 'x-user': user, 'x-group': group, 'x-secret': secret } = app.headers[0]!
  assert.deepEqual([user, group, secret], ['ann', 'one, two', undefined])
  const { source, request } = server.asked[0]!.attributes!
  const http = request!.http!
  assert.deepEqual(
    [http.method, http.path, http.host, http.scheme, http.protocol, http.headers['x-user'], http.headers[':path']],
    ['GET', '/a/b?debug=1&page=2', 'app.shop', 'http', 'HTTP/1.1', 'mallory', '/a/b?debug=1&page=2'],
  )
  const socket = source!.address!.address
  assert.equal(socket.case === 'socketAddress' && socket.value.address, '127.0.0.1')
  assert.equal(server.metadata[0]!['x-request-id'], 'r-1', 'the question belongs to the trace of the request')
  assert.equal(events.last!.code, '')
})

test('a request that the server denies is answered in its words, and the application hears nothing', async (t) => {
  const server = await startGrpcAuthorization(t, () => ({
    status: { code: 7 },
    httpResponse: {
      case: 'deniedResponse',
      value: { status: { code: 302 }, headers: [header('location', 'https://login.example/')], body: 'log in' },
    },
  }))
  const { get, app, events } = await start(t, byGrpc, server.port)
  const { status, headers, body } = await get()
  assert.deepEqual([status, headers.location, String(body)], [302, 'https://login.example/', 'log in'])
  assert.equal(app.seen.length, 0)
  const { code, flags, deniedBy } = events.last!
  assert.deepEqual([code, flags, deniedBy], ['authorization_denied', 'UAEX', `ExternalAuthorization/${cluster}`])
})

test('a refusal without words is 403, and of gRPC its status', async (t) => {
  const server = await startGrpcAuthorization(t, () => ({ status: { code: 7 } }))
  const { get, events } = await start(t, byGrpc, server.port)
  assert.equal((await get()).status, 403)
  const grpc = await get({ 'content-type': 'application/grpc', te: 'trailers' }, { method: 'POST', body: 'x' })
  assert.deepEqual([grpc.status, grpc.headers['grpc-status']], [200, '7'])
  assert.equal(events.last!.code, 'authorization_denied')
})

test('of the body so much is told as was asked for, and the application gets all of it', async (t) => {
  const server = await startGrpcAuthorization(t, () => ({ status: { code: 0 } }))
  const partial = await start(t, { ...byGrpc, body: { bytesMax: 10, mayBePartial: true } }, server.port)
  const long = 'x'.repeat(300_000)
  await partial.get({}, { method: 'POST', body: long })
  await partial.get({}, { method: 'POST', body: '0123456789' })
  assert.deepEqual(partial.app.bodies, [`${long}`, '0123456789'])
  const told = server.asked.map(({ attributes }) => attributes!.request!.http!)
  assert.deepEqual(
    told.map(({ rawBody, headers }) => `${Buffer.from(rawBody)} ${headers['x-envoy-auth-partial-body']}`),
    ['xxxxxxxxxx true', '0123456789 false'],
  )
  const whole = await start(t, { ...byGrpc, body: { bytesMax: 10, mayBePartial: false } }, server.port)
  assert.equal((await whole.get({}, { method: 'POST', body: '01234567890' })).status, 413)
  assert.equal(whole.events.last!.code, 'authorization_body_too_large')
  assert.equal((await whole.get({}, { method: 'POST', body: '0123456789' })).status, 200)
})

const silences: [string, (t: TestContext) => Promise<number>][] = [
  ['is not there', () => unusedPort()],
  ['gives no answer', async (t) => (await startGrpcAuthorization(t, () => undefined)).port],
  [
    'sets what no header can hold',
    async (t) => {
      const value = { headers: [header('x-user', 'a\r\nx-evil: 1')] }
      return (await startGrpcAuthorization(t, () => ({ httpResponse: { case: 'okResponse' as const, value } }))).port
    },
  ],
  [
    'sets what frames the message',
    async (t) => {
      const value = { headers: [header('Content-Length', '0')] }
      return (await startGrpcAuthorization(t, () => ({ httpResponse: { case: 'okResponse' as const, value } }))).port
    },
  ],
  ['speaks no gRPC', async (t) => (await application(t, 'other')).port],
]
for (const [what, serve] of silences)
  test(`a server that ${what} lets nobody pass, unless it was said that it may`, async (t) => {
    const port = await serve(t)
    const rules = { ...byGrpc, timeoutMs: 100 }
    const closed = await start(t, { ...rules, statusOnError: 503 }, port)
    assert.equal((await closed.get()).status, 503)
    assert.equal(closed.events.last!.code, 'authorization_unavailable')
    assert.equal(closed.app.seen.length, 0)
    const open = await start(t, { ...rules, onFailure: 'allow' }, port)
    assert.equal((await open.get()).status, 200)
    assert.equal(open.app.seen.length, 1)
  })

test('a client that leaves takes its question back', async (t) => {
  const server = await startGrpcAuthorization(t, () => undefined)
  const { proxy, events } = await start(t, byGrpc, server.port)
  const socket = connect(proxy).on('error', () => undefined)
  socket.write('GET / HTTP/1.1\r\nhost: app.shop\r\n\r\n')
  await until(() => server.asked.length === 1, 'the question')
  socket.destroy()
  await until(() => events.last?.code === 'client_gone', 'the end of the request')
})

test('by HTTP the server gets the method, the path and the headers that it may see', async (t) => {
  const server = await startApplication('authz', (request, response) => {
    const isAllowed = request.headers.authorization === 'Bearer good'
    if (isAllowed) response.setHeader('x-user', 'ann').end()
    else response.writeHead(401, { 'www-authenticate': 'Bearer', 'x-inner': '1' }).end('who are you')
  })
  t.after(server.close)
  const service = { ...byHttp.service, requestHeaders: ['x-user'], clientHeaders: ['www-authenticate'] }
  const { get, app, events } = await start(t, { ...byHttp, service } as ExternalAuthorization, server.port)
  const sent = { authorization: 'Bearer good', cookie: 'c=1', 'x-tenant': 't', 'x-user': 'mallory', host: 'app.shop' }
  assert.equal((await get(sent, { path: '/a?b' })).status, 200)
  assert.equal(server.seen[0], 'GET /check/a?b')
  const { host, authorization, cookie, 'x-tenant': tenant } = server.headers[0]!
  assert.deepEqual([host, authorization, cookie, tenant], ['app.shop', 'Bearer good', undefined, 't'])
  assert.equal(app.headers[0]!['x-user'], 'ann')
  const { status, headers, body } = await get()
  assert.deepEqual(
    [status, headers['www-authenticate'], headers['x-inner'], String(body)],
    [401, 'Bearer', undefined, 'who are you'],
  )
  assert.equal(events.last!.code, 'authorization_denied')
})

test('an answer of HTTP that speaks of the server alone is no verdict', async (t) => {
  const server = await startApplication('authz', (_request, response) => response.writeHead(500).end())
  t.after(server.close)
  const { get, events } = await start(t, byHttp, server.port)
  assert.equal((await get()).status, 403)
  assert.equal(events.last!.code, 'authorization_unavailable')
})
