import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { ManualClock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { until } from '#/up/testing/until.ts'
import { ApiClient } from './api-client.ts'
import { LeaderLease } from './leader-lease.ts'
import { FakeApiServer } from './testing/fake-api-server.ts'

const log = new Log({ component: 'test', sink: { write() {} } })

describe('a lease', () => {
  let server: FakeApiServer
  let client: ApiClient
  let clock: ManualClock
  let leases: LeaderLease[]

  beforeEach(async () => {
    server = new FakeApiServer()
    client = new ApiClient(await server.start())
    clock = new ManualClock(1_800_000_000_000)
    leases = []
  })
  afterEach(async () => {
    for (const lease of leases) await lease.stop()
    client.stop()
    await server.stop()
  })

  function replica(holder: string): LeaderLease {
    const lease = new LeaderLease({ client, namespace: 'weft-system', name: 'control', holder, clock, log })
    leases.push(lease)
    return lease
  }
  const comes = (isTrue: () => boolean, what: string): Promise<void> =>
    until(() => {
      clock.advance(100)
      return isTrue()
    }, what)
  const writes = (): number => server.requests.filter((one) => !one.startsWith('GET')).length

  test('has one holder, however many ask at once', async () => {
    const replicas = ['a', 'b', 'c'].map(replica)
    await comes(() => replicas.some(({ isLeader }) => isLeader.value), 'a leader')
    const before = writes()
    await comes(() => writes() > before + 2, 'renewals')
    assert.equal(replicas.filter(({ isLeader }) => isLeader.value).length, 1)
  })

  test('goes to another at once when it is given up', async () => {
    const first = replica('a')
    await comes(() => first.isLeader.value === true, 'the first')
    const second = replica('b')
    await first.stop()
    const startMs = clock.monotonicMs()
    await comes(() => second.isLeader.value === true, 'the second')
    assert.ok(clock.monotonicMs() - startMs < 15_000, 'sooner than by expiry')
  })

  test('is lost by a leader whom the API server does not hear, before another may have it', async () => {
    const first = replica('a')
    await comes(() => first.isLeader.value === true, 'the first')
    const startMs = clock.monotonicMs()
    server.deny = () => ({ status: 503, reason: 'ServiceUnavailable', message: 'down' })
    const tries = server.requests.length
    await comes(() => first.isLeader.value === false, 'a step down')
    assert.ok(clock.monotonicMs() - startMs >= 2500, 'not at the first failure')
    assert.ok(server.requests.length > tries)
    server.deny = undefined
    await comes(() => first.isLeader.value === true, 'leadership again')
  })
})
