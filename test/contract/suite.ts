/**
 * The contract of a proxy under our control plane: one table of behaviours, run against ours (`weft.test.ts`) and against
 * a real Envoy (`test/interop/envoy.test.ts`). Everything is real: control plane, proxies, sockets, backends.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { type ControlPlane, startControlPlane } from '#/control/control-plane.ts'
import type { HostPort } from '#/std/host-port.ts'
import { Log } from '#/std/log.ts'
import { backendBehaviours } from './behaviour/backend.ts'
import type { Behaviour, BehaviourContext, Exchange, Expectation } from './behaviour/behaviour.ts'
import { filterBehaviours } from './behaviour/filter.ts'
import { grpcBehaviours } from './behaviour/grpc.ts'
import { matchBehaviours } from './behaviour/match.ts'
import { protocolBehaviours } from './behaviour/protocol.ts'
import { type EchoBackend, startEchoBackend } from './echo-backend.ts'
import { closeClients, send, sendHttp2, type TestAnswer, type TestRequest } from './http-client.ts'

export interface ProxyOptions {
  /** `POD.NAMESPACE` */
  nodeId: string
  namespace: string
  workload: string
  xds: HostPort
  /** Where its outbound listener will be. */
  outbound: number
  /** For its files. */
  folder: string
}

export interface RunningProxy {
  stop(): Promise<void>
}

export interface ProxyKind {
  name: 'weft' | 'envoy'
  start(options: ProxyOptions): Promise<RunningProxy>
  /** Called when all behaviours have run. */
  verify?(proxies: RunningProxy[]): Promise<void>
}

/** What the client and the backends speak, without TLS. */
export interface VersionPair {
  client: 'h1' | 'h2c'
  backend: 'h1' | 'h2c'
}

const versionlessBehaviours: readonly Behaviour[] = [...matchBehaviours, ...filterBehaviours, ...backendBehaviours]

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Repeats `check` until it holds. @throws its last error after `limitMs`. */
export async function eventually(check: () => void | Promise<void>, limitMs = 5000): Promise<void> {
  const endMs = performance.now() + limitMs
  for (;;) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > endMs) throw error
    }
    await pause(20)
  }
}

const service = (name: string, namespace = 'contract'): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec: { ports: [{ name: http, port: 80 }] }
`
const slice = (options: { name: string; namespace?: string; port: number }): string => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${options.name}, namespace: ${options.namespace ?? 'contract'}, labels: { kubernetes.io/service-name: ${options.name} } }
addressType: IPv4
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
ports: [{ name: http, port: ${options.port} }]
`
const route = (name: string, rules: string): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name}, namespace: contract }
spec:
  parentRefs: [{ group: '', kind: Service, name: ${name}, port: 80 }]
  rules:
${rules.replace(/^/gm, '    ')}
`
const pod = (options: { name: string; namespace: string; outbound: number }): string => `
apiVersion: v1
kind: Pod
metadata:
  name: ${options.name}
  namespace: ${options.namespace}
  labels: { app: ${options.name} }
  annotations: { weft.dev/ports: '[]', weft.dev/explicit: '{}', weft.dev/outbound: '127.0.0.1:${options.outbound}' }
spec: { containers: [{ name: app }] }
status: { podIP: 127.0.0.1, conditions: [{ type: Ready, status: 'True' }] }
`
const grant = `
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: { name: granted, namespace: elsewhere }
spec: { from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: contract }], to: [{ group: '', kind: Service, name: granted }] }
`

/** How a Service says that its port speaks HTTP/2. */
const http2Port = "name: http, appProtocol: 'kubernetes.io/h2c'"

function join3(...documents: string[]): string {
  return documents.join('---\n')
}

class Suite {
  readonly kind: ProxyKind
  readonly pair: VersionPair
  readonly behaviours: readonly Behaviour[]
  readonly folder = mkdtempSync(join(tmpdir(), 'weft-contract-'))
  backends: EchoBackend[] = []
  control!: ControlPlane
  proxies: RunningProxy[] = []
  outbound = 0
  webOutbound = 0

  constructor(kind: ProxyKind, pair: VersionPair) {
    this.kind = kind
    this.pair = pair
    const versions = `${pair.client} ${pair.backend}`
    if (versions === 'h1 h1') this.behaviours = [...versionlessBehaviours, ...protocolBehaviours]
    else if (versions === 'h2c h2c') this.behaviours = [...versionlessBehaviours, ...grpcBehaviours]
    else this.behaviours = versionlessBehaviours
  }

  send(port: number, request: TestRequest): Promise<TestAnswer> {
    return this.pair.client === 'h1' ? send(port, request) : sendHttp2(port, request)
  }

  async start(): Promise<void> {
    mkdirSync(join(this.folder, 'mesh'))
    this.backends = await Promise.all(['a', 'b', 'c'].map((name) => startEchoBackend(name, this.pair.backend)))
    this.outbound = await freePort()
    this.webOutbound = await freePort()
    const [a, b, c] = this.backends.map(({ port }) => port) as [number, number, number]
    this.write(
      'shared',
      join3(
        ...['a', 'b', 'c', 'nobody'].map((name) => service(name)),
        slice({ name: 'a', port: a }),
        slice({ name: 'b', port: b }),
        slice({ name: 'c', port: c }),
        ...['granted', 'refused'].flatMap((name) => [
          service(name, 'elsewhere'),
          slice({ name, namespace: 'elsewhere', port: b }),
        ]),
        grant,
        pod({ name: 'client', namespace: 'contract', outbound: this.outbound }),
        pod({ name: 'client', namespace: 'web', outbound: this.webOutbound }),
      ),
    )
    this.behaviours.forEach((behaviour, index) => {
      const name = `case-${index}`
      const documents = [service(name), slice({ name, port: a })]
      if (behaviour.rules) documents.push(route(name, behaviour.rules))
      if (behaviour.extra) documents.push(this.fill(behaviour.extra, name))
      this.write(name, join3(...documents))
    })
    const log = new Log({ component: 'control', level: 'error' })
    const any = { host: '127.0.0.1', port: 0 }
    this.control = await startControlPlane({ directories: [join(this.folder, 'mesh')], xds: any, api: any, log })
    const common = { workload: 'client', xds: this.control.xds, folder: this.folder }
    this.proxies = [
      await this.kind.start({ ...common, nodeId: 'client.contract', namespace: 'contract', outbound: this.outbound }),
      await this.kind.start({ ...common, nodeId: 'client.web', namespace: 'web', outbound: this.webOutbound }),
    ]
    for (const port of [this.outbound, this.webOutbound]) {
      await eventually(
        async () => assert.equal((await this.send(port, { path: '/', host: 'case-0.contract' })).status, 200),
        15_000,
      )
    }
  }

  async stop(): Promise<void> {
    closeClients()
    for (const proxy of this.proxies) await proxy.stop()
    await this.control?.stop()
    for (const backend of this.backends) await backend.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }

  fill(yaml: string, name: string): string {
    const ports = Object.fromEntries(this.backends.map((backend) => [backend.name.toUpperCase(), String(backend.port)]))
    return yaml.replaceAll('$SERVICE', name).replace(/\$PORT_([ABC])/g, (_, letter) => ports[letter]!)
  }

  write(name: string, yaml: string): void {
    const spoken = this.pair.backend === 'h1' ? yaml : yaml.replaceAll('{ name: http, port', `{ ${http2Port}, port`)
    writeFileSync(join(this.folder, 'mesh', `${name}.yaml`), spoken)
  }

  context(index: number): BehaviourContext {
    const name = `case-${index}`
    const host = `${name}.contract`
    const full = (request: Exchange['request']) => ({
      host,
      ...(typeof request === 'string' ? { path: request } : request),
    })
    return {
      host,
      port: this.outbound,
      send: (request) => this.send(this.outbound, full(request)),
      sendFromWeb: (request) => this.send(this.webOutbound, full(request)),
      receivedBy: (backend, path) =>
        this.backends.find((one) => one.name === backend)!.received.filter((echo) => echo.path === path).length,
      rewrite: (yaml) => {
        const [a] = this.backends
        this.write(name, join3(service(name), slice({ name, port: a!.port }), this.fill(yaml, name)))
      },
      eventually,
    }
  }
}

function assertAnswer(answer: TestAnswer, expect: Expectation, what: string): void {
  const { echo } = answer
  if (expect.status !== undefined) assert.equal(answer.status, expect.status, what)
  if (expect.backend !== undefined) assert.equal(echo?.backend ?? `status ${answer.status}`, expect.backend, what)
  if (expect.path !== undefined) assert.equal(echo?.path ?? `status ${answer.status}`, expect.path, what)
  if (expect.host !== undefined) assert.equal(echo?.headers.host, expect.host, what)
  for (const [name, value] of Object.entries(expect.received ?? {}))
    assert.equal(echo?.headers[name]?.replace(/,(?=\S)/g, ', ') ?? null, value, `${what}: ${name} at the backend`)
  for (const [name, value] of Object.entries(expect.answered ?? {}))
    assert.equal(answer.headers[name] ?? null, value, `${what}: ${name} of the answer`)
}

/** Registers the whole suite for one kind of proxy. */
export function proxyContract(kind: ProxyKind, pair: VersionPair = { client: 'h1', backend: 'h1' }): void {
  const suite = new Suite(kind, pair)
  describe(`the contract of a proxy: ${kind.name}, from ${pair.client} to ${pair.backend}`, () => {
    before(() => suite.start())
    after(() => suite.stop())
    suite.behaviours.forEach((behaviour, index) => {
      const note = kind.name === 'envoy' ? behaviour.envoy : undefined
      test(note ? `${behaviour.name} [${note}]` : behaviour.name, async () => {
        const run = async (): Promise<void> => {
          const context = suite.context(index)
          for (const { request, expect } of behaviour.exchanges ?? [])
            assertAnswer(await context.send(request), expect, JSON.stringify(request))
          await behaviour.run?.(context)
        }
        // A named difference must be one: when Envoy learns to do it, the note has to go.
        if (note) await assert.rejects(run(), 'the named difference is gone: remove the note')
        else await run()
      })
    })
    if (kind.verify) test('nothing was rejected', () => kind.verify!(suite.proxies))
  })
}
