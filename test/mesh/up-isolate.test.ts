import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { findTools } from '#/up/isolate/requirement.ts'
import { isAlive, until } from '#/up/testing/until.ts'
import { getAs, LaptopMesh } from './testing/laptop-mesh.ts'

const tools = findTools({ path: process.env.PATH ?? '', platform: process.platform, uid: process.getuid?.() ?? -1 })

/** What a mesh has made of this machine: namespaces and interfaces of ours. */
function traces(): string[] {
  const namespaces = existsSync('/run/netns') ? readdirSync('/run/netns') : []
  return [...namespaces, ...Object.keys(networkInterfaces())].filter((name) => name.startsWith('weft-'))
}

if (typeof tools === 'string') {
  test('where the machine can not isolate, `--isolate` is refused with the reason and the cure', async () => {
    const mesh = new LaptopMesh('hello', { flags: ['--isolate'] })
    await until(() => mesh.exit !== undefined, 'weft up has ended')
    assert.equal(mesh.exit!.code, 1)
    assert.ok(mesh.errors.includes(tools), mesh.errors)
    await mesh.stop()
  })
} else {
  test('isolated replicas call one another by cluster IP through their sidecars, with no proxy variable', async () => {
    const before = traces()
    const mesh = new LaptopMesh('hello', { flags: ['--isolate'] })
    try {
      const { workloads } = await mesh.ready()
      const web = workloads.find(({ name }) => name === 'web')!
      assert.match(web.inbound!, /^http:\/\/198\.18\.\d+\.\d+:8080$/)
      assert.equal(web.outbound, null)
      assert.deepEqual(await getAs(web.inbound!, 'web.hello'), { status: 200, body: 'web says: Hello, world\n' })
      const environment = readFileSync(`/proc/${web.pids.app}/environ`, 'utf8')
      assert.doesNotMatch(environment, /http_proxy/i)
      assert.match(environment, /\0GREETING_SERVICE_HOST=198\.19\./)
      assert.match(readFileSync(`/proc/${web.pids.sidecar}/status`, 'utf8'), /^Uid:\t1337\t1337/m)
      const config = JSON.parse((await mesh.run('proxy', 'config', 'web', '--type', 'listener', '-o', 'json')).output)
      assert.match(config.destinations[0].name, /^198\.19\.\d+\.\d+:80$/)
      mesh.edit('route.yaml', (text) =>
        text.replace(/weight: (\d+)/g, (_, weight) => `weight: ${100 - Number(weight)}`),
      )
      const isNew = async () => (await getAs(web.inbound!, 'web.hello')).body === 'web says: Good day, world\n'
      await until(isNew, 'the new weights are in force')
    } finally {
      await mesh.stop()
    }
    assert.deepEqual(traces(), before)
  })

  test('a machine is left as it was when the supervisor of an isolated mesh is killed with -9', async () => {
    const before = traces()
    const mesh = new LaptopMesh('hello', { flags: ['--isolate'] })
    await mesh.ready()
    const pids = mesh.pids()
    assert.ok(traces().length > before.length)
    mesh.process.kill('SIGKILL')
    await until(() => !pids.some(isAlive), 'all processes have ended')
    await until(() => traces().length === before.length, 'namespaces and bridge are gone')
    assert.equal(execFileSync(tools.ip, ['netns', 'list'], { encoding: 'utf8' }).includes('weft-'), before.length > 0)
    await mesh.stop()
  })
}
