/** From traffic to policies: what was called is told, a namespace goes strict, and what was seen is all that is allowed. */
import assert from 'node:assert/strict'
import { appendFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { AuditEntry } from '#/control/audit/audit-entry.ts'
import type { TrafficReport } from '#/model/traffic.ts'
import { call, startApplication } from '#/proxy/testing/peer.ts'
import { until } from '#/up/testing/until.ts'
import { ProxyMesh } from './proxy-mesh.ts'
import { getThrough, LaptopMesh } from './testing/laptop-mesh.ts'

const strict = `
apiVersion: weft.dev/v1alpha1
kind: AuthenticationPolicy
metadata: { name: strict, namespace: hello }
spec: { mutualTls: { mode: Strict } }
`

let mesh: LaptopMesh

before(async () => {
  mesh = new LaptopMesh('hello')
  await mesh.ready()
})
after(() => mesh?.stop())

const ask = async (name: string, path = '/'): Promise<number> =>
  (await fetch(mesh.workload(name).inbound! + path)).status
const askApplication = async (): Promise<number> => (await fetch(mesh.workload('web').app!)).status

interface Port {
  workload: string
  verdict: string
  mutualTls: number
  plaintext: number
}

async function report(): Promise<{ code: number | null; ports: Map<string, Port> }> {
  const { code, output } = await mesh.run('authn', 'report', '-n', 'hello', '-o', 'json')
  const { ports } = JSON.parse(output) as { ports: Port[] }
  return { code, ports: new Map(ports.map((port) => [port.workload, port])) }
}

async function decisions(): Promise<AuditEntry[]> {
  return JSON.parse((await mesh.run('audit', '--only', 'decisions', '-o', 'json')).output) as AuditEntry[]
}

test('several event loops tell their traffic as one', async (t) => {
  const loops = await ProxyMesh.start(t)
  const app = await startApplication('reviews')
  t.after(() => app.close())
  loops.applyService('reviews')
  const { inbound, process } = await loops.startSidecar({
    pod: 'reviews-0',
    app: 'reviews',
    port: app.port,
    flags: ['--concurrency', '2'],
  })
  // A connection each: the system spreads them over both loops.
  const statuses = await Promise.all(
    Array.from({ length: 40 }, (_, i) => call(inbound, { path: `/reviews/${i}`, agent: new http.Agent() })),
  )
  assert.ok(statuses.every(({ status }) => status === 200))
  const { edges } = (await (await fetch(`${process.admin}/traffic`)).json()) as TrafficReport
  assert.deepEqual(
    edges.map(({ direction, port, path, security, count }) => [direction, port, path, security, count]),
    [['inbound', 8080, '/reviews/{id}', 'plaintext', 40]],
  )
})

test('the report tells mutual TLS from plaintext, by what the sidecars have seen', async () => {
  for (let i = 0; i < 12; i++) assert.equal(await askApplication(), 200)
  assert.equal(await ask('greeting-v1', '/by-hand?token=secret'), 200)
  const { code, ports } = await report()
  assert.equal(code, 1)
  const greeting = ['greeting-v1', 'greeting-v2'].map((name) => ports.get(name)!)
  assert.ok(greeting[0]!.mutualTls + greeting[1]!.mutualTls >= 12)
  assert.deepEqual([greeting[0]!.verdict, greeting[0]!.plaintext], ['plaintext', 1])
})

test('going strict is in the audit log, and who is turned away', async () => {
  appendFileSync(join(mesh.folder, 'strict.yaml'), strict)
  await until(async () => (await ask('greeting-v1')) === 403, 'greeting is strict')
  assert.equal(await askApplication(), 200)
  const { ports } = await report()
  assert.equal(ports.get('greeting-v1')!.verdict, 'strict')
  const [denied] = await decisions()
  assert.ok(denied?.type === 'decision')
  assert.deepEqual(
    [denied.code, denied.workload, denied.method, denied.path],
    ['mtls_required', 'hello/greeting-v1', 'GET', '/'],
  )
  const changes = JSON.parse((await mesh.run('audit', '--only', 'changes', '-o', 'json')).output) as AuditEntry[]
  const last = changes.at(-1)!
  assert.ok(last.type === 'change')
  assert.deepEqual([last.change, last.object], ['created', 'AuthenticationPolicy/hello/strict'])
  assert.match(last.by, /strict\.yaml:2$/)
})

test('policies from the traffic allow it and nothing else', async () => {
  const { code, output } = await mesh.run('access', 'generate', '-n', 'hello')
  assert.equal(code, 0)
  assert.match(output, /serviceAccounts:\n\s+- hello\/default/)
  assert.ok(!output.includes('secret'))
  appendFileSync(join(mesh.folder, 'access.yaml'), output)
  const other = async (): Promise<number> =>
    (await getThrough(mesh.workload('web').outbound!, 'http://greeting.hello/other')).status
  await until(async () => (await other()) === 403, 'the policies are in force')
  const refused = (await decisions()).at(-1)!
  assert.ok(refused.type === 'decision')
  assert.deepEqual([refused.code, refused.path], ['no_rule_allows', '/other'])
  assert.equal(refused.principal, 'spiffe://cluster.local/ns/hello/sa/default')
  for (let i = 0; i < 5; i++) assert.equal(await askApplication(), 200)
  const { output: rights } = await mesh.run('access', 'review', '-n', 'hello', '-o', 'csv')
  assert.match(rights, /^hello\/default,hello\/greeting-v1,8080,.*,AccessPolicy\/hello\/greeting-as-seen rule 0,used,/m)
})
