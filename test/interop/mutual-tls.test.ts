/** A real Envoy as a workload of a mesh that is strict: it and our sidecars call one another by mutual TLS, each by its own identity. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { openTokenKey } from '#/identity/token/token-key.ts'
import { signToken } from '#/identity/token/token-signer.ts'
import { until } from '#/up/testing/until.ts'
import { freePort } from '../contract/suite.ts'
import { Caller, getAs, getThrough, LaptopMesh, root } from '../mesh/testing/laptop-mesh.ts'
import { adsBootstrap, type EnvoyProcess, startEnvoy } from './envoy.ts'

const strict = `
apiVersion: weft.dev/v1alpha1
kind: AuthenticationPolicy
metadata: { name: all, namespace: weft-system }
spec:
  targetRefs: [{ group: weft.dev, kind: Mesh, name: default }]
  mutualTls: { mode: Strict }
`

let mesh: LaptopMesh
let envoy: EnvoyProcess
let agent: ChildProcess
let application: Server
const ports = { inbound: 0, outbound: 0 }

/** What a kubelet would report of it, and the Service that it stands behind. */
function workload(applicationPort: number): string {
  const at = (port: number): string => `127.0.0.1:${port}`
  const served = [{ port: 8080, name: 'http', application: at(applicationPort), inbound: at(ports.inbound) }]
  return `
apiVersion: v1
kind: Service
metadata: { name: outsider, namespace: hello }
spec:
  selector: { app: outsider }
  ports: [{ name: http, port: 80, targetPort: 8080 }]
---
apiVersion: v1
kind: Pod
metadata:
  name: outsider-0
  namespace: hello
  labels: { app: outsider }
  annotations:
    weft.dev/ports: '${JSON.stringify(served)}'
    weft.dev/outbound: ${at(ports.outbound)}
    weft.dev/identity: spiffe
spec:
  serviceAccountName: outsider
  containers: [{ name: app, ports: [{ containerPort: 8080, name: http }] }]
status:
  phase: Running
  podIP: 127.0.0.1
  conditions: [{ type: Ready, status: "True" }]
`
}

function find(folder: string, name: string): string {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).find((entry) => entry.name === name)
  assert.ok(found, `${name} under ${folder}`)
  return join(found.parentPath, found.name)
}

/** The agent beside Envoy, as a person starts it. */
async function startAgent(socket: string, secure: string): Promise<ChildProcess> {
  const state = join(mesh.folder, '..', 'state')
  const tokenFile = join(mesh.folder, '..', 'outsider-token')
  const bearer = { namespace: 'hello', serviceAccount: 'outsider', pod: 'outsider-0' }
  writeFileSync(tokenFile, signToken(openTokenKey(find(state, 'token.key')), bearer, Date.now()), { mode: 0o600 })
  const flags = ['--authority', secure, '--token-file', tokenFile, '--bundle-file', find(state, 'bundle.pem')]
  const child = spawn(join(root, 'weft'), ['identity', 'serve', ...flags, '--socket', socket], { stdio: 'inherit' })
  await until(() => existsSync(socket), 'the agent listens', 20_000)
  return child
}

function bootstrap(xds: { host: string; port: number }, socket: string): object {
  const base = adsBootstrap({ nodeId: 'outsider-0.hello', cluster: 'outsider', xds }) as {
    node: object
    static_resources: { clusters: object[] }
  }
  const [xdsCluster] = base.static_resources.clusters
  const agentCluster = {
    ...xdsCluster,
    name: 'sds-grpc',
    load_assignment: {
      cluster_name: 'sds-grpc',
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { pipe: { path: socket } } } }] }],
    },
  }
  return {
    ...base,
    node: { ...base.node, metadata: { namespace: 'hello', WEFT_IDENTITY: 'spiffe' } },
    static_resources: { clusters: [xdsCluster, agentCluster] },
  }
}

before(async () => {
  application = createServer((request, answer) => answer.end(JSON.stringify(request.headers)))
  application.listen(0, '127.0.0.1')
  await once(application, 'listening')
  ports.inbound = await freePort()
  ports.outbound = await freePort()
  const { port } = application.address() as AddressInfo
  mesh = new LaptopMesh('hello', {
    prepare: (folder) => {
      writeFileSync(join(folder, 'strict.yaml'), strict)
      writeFileSync(join(folder, 'outsider.yaml'), workload(port))
    },
  })
  const { control } = await mesh.ready()
  const secure = secureOf()
  const socket = join(mesh.folder, '..', 'agent.sock')
  agent = await startAgent(socket, secure)
  const [host = '', xdsPort] = control.xds.split(':')
  envoy = await startEnvoy(bootstrap({ host, port: Number(xdsPort) }, socket))
})
after(async () => {
  await envoy?.stop()
  agent?.kill('SIGTERM')
  application?.close()
  await mesh?.stop()
})

/** The TLS port of the control plane, as its sidecars were told it. */
function secureOf(): string {
  for (const pid of mesh.pids()) {
    const words = commandLine(pid)
    const at = words.indexOf('--control-secure')
    if (at >= 0) return words[at + 1]!
  }
  throw new Error('no sidecar was told of an authority')
}

function commandLine(pid: number): string[] {
  return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')
}

const metricsOf = async (name: string): Promise<string> => (await fetch(`${mesh.workload(name).admin}/metrics`)).text()

test('an Envoy calls our sidecars by its own identity', async () => {
  const call = (): Promise<{ status: number; body: string }> =>
    getAs(`http://127.0.0.1:${ports.outbound}`, 'greeting.hello')
  let last = { status: 0, body: '' }
  await until(
    async () => {
      last = await call().catch((error) => ({ status: 0, body: String(error) }))
      return last.status === 200
    },
    'an answer through Envoy',
    20_000,
  ).catch((error) => assert.fail(`${error.message}: ${JSON.stringify(last)}\n${envoy.log().slice(-3000)}`))
  const metrics = `${await metricsOf('greeting-v1')}${await metricsOf('greeting-v2')}`
  const line = metrics
    .split('\n')
    .find((one) => one.includes('source_principal="spiffe://cluster.local/ns/hello/sa/outsider"'))
  assert.ok(line, 'the caller is known by its certificate')
  assert.match(line, /connection_security_policy="mutual_tls"/)
})

test('our sidecars call an Envoy, which tells its application who they are', async () => {
  let last = { status: 0, body: '' }
  await until(
    async () => {
      last = await getThrough(mesh.workload('web').outbound!, 'http://outsider.hello/')
      return last.status === 200
    },
    'an answer from behind Envoy',
    20_000,
  ).catch((error) => assert.fail(`${error.message}: ${JSON.stringify(last)}\n${envoy.log().slice(-3000)}`))
  const headers = JSON.parse(last.body) as Record<string, string>
  assert.match(headers['x-forwarded-client-cert']!, /URI=spiffe:\/\/cluster\.local\/ns\/hello\/sa\/default/)
  const called = (await metricsOf('web'))
    .split('\n')
    .find((one) => one.includes('destination_principal="spiffe://cluster.local/ns/hello/sa/outsider"'))
  assert.ok(called, 'its id was verified')
})

test('a new root reaches an Envoy by its agent, and no call fails on the way', async () => {
  const [fromEnvoy, toEnvoy] = [
    new Caller(() => getAs(`http://127.0.0.1:${ports.outbound}`, 'greeting.hello')),
    new Caller(() => getThrough(mesh.workload('web').outbound!, 'http://outsider.hello/')),
  ]
  const { code, errors } = await mesh.run('ca', 'rotate', '--wait', '60')
  assert.equal(code, 0, errors)
  const [before, after] = [fromEnvoy.count, toEnvoy.count]
  await until(() => fromEnvoy.count > before + 20 && toEnvoy.count > after + 20, 'calls under the new root', 20_000)
  assert.deepEqual(Object.keys(await fromEnvoy.stop()), ['200 Hello, world'])
  const answers = Object.keys(await toEnvoy.stop())
  assert.ok(answers.length > 0 && answers.every((answer) => answer.startsWith('200 ')), answers.join())
})

test('an Envoy whose port is strict takes no plain text', async () => {
  const outcome = await getAs(`http://127.0.0.1:${ports.inbound}`, 'outsider.hello').then(
    ({ status }) => `status ${status}`,
    () => 'closed',
  )
  assert.equal(outcome, 'closed')
})
