/** The demo shop as a person has it: edits under load, replicas and the control plane killed, nothing left behind. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { WorkloadAddresses } from '#/up/mesh-event.ts'
import { isAlive, until } from '#/up/testing/until.ts'
import { closeClients, send } from '../contract/http-client.ts'
import { eventually } from '../contract/suite.ts'
import { CallRecord } from './testing/call-record.ts'
import { LaptopMesh } from './testing/laptop-mesh.ts'

describe('the demo shop', () => {
  let mesh: LaptopMesh
  let workloads: WorkloadAddresses[]
  before(async () => {
    mesh = new LaptopMesh('shop')
    workloads = (await mesh.ready()).workloads
  })
  after(async () => {
    closeClients()
    await mesh?.stop()
  })

  const workload = (name: string): WorkloadAddresses => workloads.find((each) => each.name === name)!
  const ask = (headers: Record<string, string> = {}) =>
    send(Number(new URL(workload('storefront').outbound!).port), {
      path: '/reviews/linen-throw',
      host: 'reviews.shop',
      headers,
    })
  const versionOf = (body: string): string => JSON.parse(body).version

  /** One call of the storefront's sidecar. @returns the version that answered, or the failure. */
  const outcomeOf = async (): Promise<string> => {
    try {
      const { status, body, headers } = await ask()
      return status === 200 ? versionOf(body) : `${status} ${headers['weft-detail'] ?? ''}`
    } catch (error) {
      return `failed: ${(error as Error).message}`
    }
  }

  /** Calls `width` at a time until `isDone`. */
  async function load(record: CallRecord, width: number, isDone: () => boolean): Promise<void> {
    const callOn = async (): Promise<void> => {
      while (!isDone()) {
        const startMs = performance.now()
        record.add(startMs, await outcomeOf())
      }
    }
    await Promise.all(Array.from({ length: width }, callOn))
  }

  const failuresOf = (record: CallRecord): string[] => Object.keys(record.counts).filter((key) => !/^v[123]$/.test(key))

  test('splits by weight, and by header for testers', async () => {
    const record = new CallRecord()
    await load(record, 16, () => record.calls.length >= 1000)
    const { v1 = 0, v2 = 0, ...others } = record.counts
    assert.deepEqual(others, {})
    const total = v1 + v2
    assert.ok(v1 > 0.85 * total && v1 < 0.945 * total, JSON.stringify(record.counts))
    assert.equal(versionOf((await ask({ 'x-user': 'tester' })).body), 'v3')
  })

  test('an edited weight is in force within a second: of the 2,000 requests from then on none goes elsewhere, and none across the edit fails', async (t) => {
    const record = new CallRecord()
    let isThrough = false
    const across = load(record, 32, () => isThrough)
    // Late among the 10,000, for v2 asks the ratings, which are slower.
    await until(() => record.calls.length >= 7000, 'the load runs', 20_000)
    mesh.edit('reviews-route.yaml', (text) =>
      text.replace('weight: 90', 'weight: 0').replace('weight: 10 ', 'weight: 100 '),
    )
    const editMs = performance.now()
    const isSettled = () => record.calls.length >= 10_000 && record.since('v2').length >= 2000
    await until(isSettled, '10,000 requests are through, the last 2,000 by v2', 20_000).finally(() => {
      isThrough = true
    })
    await across
    assert.deepEqual(failuresOf(record), [], JSON.stringify(record.counts))
    const lateMs = record.since('v2')[0]!.startMs - editMs
    t.diagnostic(`in force after ${Math.round(lateMs)} ms`)
    assert.ok(lateMs <= 1000, `in force ${Math.round(lateMs)} ms after the edit`)
    mesh.edit('reviews-route.yaml', (text) =>
      text.replace('weight: 100 ', 'weight: 0 ').replace('weight: 0 ', 'weight: 100 '),
    )
    const back = new CallRecord()
    await load(back, 4, () => back.since('v1').length >= 40)
  })

  test('killing a replica costs at most the requests inside it', async () => {
    const width = 16
    const record = new CallRecord()
    const across = load(record, width, () => record.calls.length >= 4000)
    await until(() => record.calls.length >= 500, 'the load runs')
    process.kill(workload('reviews-v1').pids.app!, 'SIGKILL')
    await across
    // No more than `width` requests can have been inside any one replica.
    const failures = record.calls.filter(({ outcome }) => outcome !== 'v1')
    assert.ok(failures.length <= width, JSON.stringify(record.counts))
  })

  test('traffic goes on without a control plane, and a sidecar that restarts meanwhile serves from its last configuration', async () => {
    const api = (await mesh.ready()).control.api
    let isHeld = true
    // `weft up` starts it again: hold it down for the length of the test.
    const hold = (async () => {
      while (isHeld) {
        const pid = await controlPid()
        if (pid !== null && isAlive(pid)) process.kill(pid, 'SIGKILL')
        await new Promise((resolve) => setTimeout(resolve, 30))
      }
    })()
    await eventually(async () => await assert.rejects(fetch(`${api}/readyz`)))
    assert.equal((await ask()).status, 200)
    const old = workload('storefront').pids.sidecar!
    process.kill(old, 'SIGKILL')
    await eventually(async () => {
      assert.equal(isAlive(old), false)
      assert.equal((await ask()).status, 200)
    }, 15_000)
    isHeld = false
    await hold
    await eventually(async () => assert.equal((await fetch(`${api}/readyz`)).status, 200), 30_000)
  })

  /** It changes with each restart. */
  async function controlPid(): Promise<number | null> {
    const last = mesh.events.findLast((event) => event.event === 'control' || event.event === 'ready')
    return last && 'control' in last ? last.control.pid : null
  }

  test('Ctrl-C leaves no process behind', async () => {
    const pids = mesh.processes()
    // Two a replica, the supervisor and the control plane.
    assert.ok(pids.length >= 2 * workloads.length + 2, `${pids.length} processes`)
    await mesh.stop()
    assert.deepEqual(pids.filter(isAlive), [])
    assert.deepEqual(mesh.processes(), [])
  })
})
