/** The demo shop as a person has it: edits under load, replicas and the control plane killed, nothing left behind. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { closeClients, send } from '../contract/http-client.ts'
import { eventually } from '../contract/suite.ts'
import { LaptopMesh, type MeshWorkload, portOf } from './laptop-mesh.ts'

const shop = fileURLToPath(new URL('../../examples/shop/', import.meta.url))
const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`)

describe('the demo shop', () => {
  let mesh: LaptopMesh
  before(async () => {
    mesh = await LaptopMesh.start(shop)
  })
  after(async () => {
    closeClients()
    await mesh?.stop()
  })

  const ask = (from: MeshWorkload, headers: Record<string, string> = {}) =>
    send(portOf(from.outbound), { path: '/reviews/linen-throw', host: 'reviews.shop', headers })
  const versionOf = (body: string): string => JSON.parse(body).version

  /** `count` requests, `width` at a time. @returns how many of each version, or of each failure. */
  async function load(from: MeshWorkload, options: { count: number; width: number }): Promise<Record<string, number>> {
    const outcomes: Record<string, number> = {}
    let left = options.count
    await Promise.all(
      Array.from({ length: options.width }, async () => {
        while (left-- > 0) {
          const key = await ask(from).then(
            (answer) =>
              answer.status === 200
                ? versionOf(answer.body)
                : `${answer.status} ${answer.headers['weft-detail'] ?? ''}`,
            (error: Error) => `failed: ${error.message}`,
          )
          outcomes[key] = (outcomes[key] ?? 0) + 1
        }
      }),
    )
    return outcomes
  }

  test('splits by weight, and by header for testers', async () => {
    const client = mesh.workload('storefront')
    const counts = await load(client, { count: 1000, width: 16 })
    assert.deepEqual(Object.keys(counts).sort(), ['v1', 'v2'])
    assert.ok(counts.v1! > 850 && counts.v1! < 945, JSON.stringify(counts))
    assert.equal(versionOf((await ask(client, { 'x-user': 'tester' })).body), 'v3')
  })

  test('an edited weight is in force within a second, and none of the requests across the edit fails', async () => {
    const client = mesh.workload('storefront')
    const file = join(mesh.directory, 'reviews-route.yaml')
    const text = readFileSync(file, 'utf8')
    const across = load(client, { count: 10_000, width: 32 })
    await eventually(async () => assert.equal((await ask(client)).status, 200))
    const startMs = performance.now()
    writeFileSync(file, text.replace('weight: 90', 'weight: 0').replace('weight: 10', 'weight: 100'))
    await eventually(async () => {
      for (let i = 0; i < 20; i++) assert.equal(versionOf((await ask(client)).body), 'v2')
    })
    const inForceMs = performance.now() - startMs
    const after = await load(client, { count: 2000, width: 32 })
    assert.deepEqual(after, { v2: 2000 }, `in force after ${Math.round(inForceMs)} ms`)
    const outcomes = await across
    assert.deepEqual(
      Object.keys(outcomes).filter((key) => !/^v[123]$/.test(key)),
      [],
      JSON.stringify(outcomes),
    )
    writeFileSync(file, text.replace('weight: 10 ', 'weight: 0 ').replace('weight: 90', 'weight: 100'))
    await eventually(async () => {
      for (let i = 0; i < 20; i++) assert.equal(versionOf((await ask(client)).body), 'v1')
    })
  })

  test('killing a replica costs at most the requests inside it', async () => {
    const client = mesh.workload('storefront')
    const width = 16
    const across = load(client, { count: 4000, width })
    await eventually(async () => assert.equal((await ask(client)).status, 200))
    process.kill(mesh.workload('reviews-v1', 0).pids.app, 'SIGKILL')
    const outcomes = await across
    const failed = Object.entries(outcomes).filter(([key]) => key !== 'v1')
    const failures = failed.reduce((sum, [, count]) => sum + count, 0)
    // At most `width` requests can have been inside any one replica.
    assert.ok(failures <= width, JSON.stringify(outcomes))
  })

  test('traffic goes on without a control plane, and a sidecar that restarts meanwhile serves from its last configuration', async () => {
    const client = mesh.workload('storefront')
    let isHeld = true
    // `weft up` starts it again: hold it down for the length of the test.
    const hold = (async () => {
      while (isHeld) {
        const { pid } = await currentControl()
        if (pid > 0 && isAlive(pid)) process.kill(pid, 'SIGKILL')
        await new Promise((resolve) => setTimeout(resolve, 30))
      }
    })()
    await eventually(async () => await assert.rejects(fetch(`${mesh.ready.control.api}/readyz`)))
    assert.equal((await ask(client)).status, 200)
    const old = client.pids.sidecar
    process.kill(old, 'SIGKILL')
    await eventually(async () => {
      assert.equal(isAlive(old), false)
      assert.equal((await ask(client)).status, 200)
    }, 15_000)
    isHeld = false
    await hold
    await eventually(async () => assert.equal((await fetch(`${mesh.ready.control.api}/readyz`)).status, 200), 30_000)
  })

  /** The control plane's pid changes with each restart: the last event that names one counts. */
  async function currentControl(): Promise<{ pid: number }> {
    const events = mesh.events as { event: string; control?: { pid: number }; pid?: number }[]
    const last = events.findLast(
      ({ control, event, pid }) => control !== undefined || (event === 'control' && pid !== undefined),
    )
    return { pid: last?.control?.pid ?? last?.pid ?? mesh.ready.control.pid }
  }

  test('Ctrl-C leaves no process behind', async () => {
    const { pids } = mesh
    await mesh.stop()
    assert.deepEqual(pids.filter(isAlive), [])
  })
})
