import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { AuthorityReport } from '#/control/identity/identity-plane.ts'
import { until } from '#/up/testing/until.ts'
import { Caller, getThrough, LaptopMesh } from './testing/laptop-mesh.ts'

/** Leaves of four seconds: each sidecar renews every two, all through these stories. */
let mesh: LaptopMesh

before(async () => {
  mesh = new LaptopMesh('hello', { flags: ['--leaf-life-ms', '4000'] })
  await mesh.ready()
})
after(() => mesh.stop())

const report = async (): Promise<AuthorityReport> => {
  const { control } = await mesh.ready()
  return (await (await fetch(`${control.api}/api/v1/authority`)).json()) as AuthorityReport
}
const files = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  )

test('every sidecar has its leaf before it is ready', async () => {
  const { issued, trustDomain, phase, roots } = await report()
  assert.ok(issued >= 3, `${issued} certificates`)
  assert.deepEqual([trustDomain, phase, roots.length], ['cluster.local', 'stable', 1])
})

test('under load leaves are renewed and the root is replaced, and no request fails', async () => {
  const before = await report()
  const caller = new Caller(() => getThrough(mesh.workload('web').outbound!, 'http://greeting.hello/'))
  const { code, errors } = await mesh.run('ca', 'rotate', '--wait', '30')
  assert.equal(code, 0, errors)
  const after = await report()
  assert.notEqual(after.roots[0]!.name, before.roots[0]!.name)
  assert.deepEqual([after.phase, after.roots.length, after.oldLeaves], ['stable', 1, []])
  await until(async () => (await report()).issued >= before.issued + 9, 'three leaves more for each of three sidecars')
  assert.ok(caller.count > 100, `${caller.count} calls`)
  assert.deepEqual(Object.keys(await caller.stop()), ['200 Hello, world'])
  assert.match((await mesh.run('ca', 'status')).output, /no rotation is under way/)
})

test('keys and tokens are readable to nobody else, and stand in no log and no answer', async () => {
  const state = join(mesh.folder, '..', 'state')
  const all = files(state)
  const secrets = all.filter((path) => /\.key$|\/token$/.test(path))
  assert.ok(secrets.length >= 5, String(secrets))
  for (const path of secrets) assert.equal(statSync(path).mode & 0o777, 0o600, path)
  const words = secrets.map(
    (path) =>
      readFileSync(path, 'latin1')
        .split('\n')
        .find((line) => line.length > 40 && !line.includes('-----'))!,
  )
  const admin = mesh.workload('web').admin
  const answers = await Promise.all(
    ['/config_dump', '/metrics', '/stats'].map(async (path) => (await fetch(admin + path)).text()),
  )
  const logs = all.filter((path) => path.endsWith('.log')).map((path) => readFileSync(path, 'latin1'))
  for (const text of [...logs, ...answers])
    for (const word of words) assert.ok(!text.includes(word.split('.').pop()!), 'a secret is shown')
})

test('a sidecar whose token was taken away lives on by its leaf', async () => {
  const state = join(mesh.folder, '..', 'state')
  for (const path of files(state).filter((path) => path.endsWith('/token'))) rmSync(path)
  const { issued } = await report()
  await until(async () => (await report()).issued >= issued + 6, 'two leaves more for each of three sidecars')
})

test('another root than the one that signs can not be forced by a page in a browser', async () => {
  const { control } = await mesh.ready()
  const post = (headers: Record<string, string>): Promise<Response> =>
    fetch(`${control.api}/api/v1/authority/rotation/begin`, { method: 'POST', headers, body: '{}' })
  assert.equal((await post({ 'content-type': 'text/plain' })).status, 415)
  assert.equal((await post({})).status, 415)
  assert.equal((await fetch(`${control.api}/api/v1/authority/rotation/begin`)).status, 404)
  assert.equal((await report()).phase, 'stable')
})

test('a restarted control plane signs with the same root, and the sidecars go on', async () => {
  const { control } = await mesh.ready()
  const before = await report()
  const since = mesh.events.length
  process.kill(control.pid!, 'SIGKILL')
  await mesh.event('control', ({ change }) => change === 'ready', since)
  const isAnswered = async (): Promise<boolean> => ((await report().catch(() => undefined))?.issued ?? 0) >= 3
  await until(isAnswered, 'leaves of the new process')
  assert.deepEqual((await report()).roots, before.roots)
})
