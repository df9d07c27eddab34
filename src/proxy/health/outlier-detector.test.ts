import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OutlierDetection } from '#/model/breaking.ts'
import { buildEndpoint } from '#/proxy/balance/testing/endpoint-builder.ts'
import { outlierDefaults, SimulatedCluster } from './testing/simulated-cluster.ts'

function cluster(
  outliers: Partial<OutlierDetection> = {},
  { endpoints = 4, seed = 1, panicPercent = 0 } = {},
): SimulatedCluster {
  return new SimulatedCluster({
    endpoints,
    seed,
    model: { panicPercent, outliers: { ...outlierDefaults, ...outliers } },
  })
}

const failing =
  (...which: number[]) =>
  (at: number): number =>
    which.includes(at) ? 500 : 200

test('an endpoint that fails as often in a row as allowed gets nothing more', () => {
  const one = cluster()
  assert.deepEqual(one.run(100, failing(2))[2], 3)
  assert.equal(one.guard.ejected, 1)
})

test('a good answer between failures starts the count anew', () => {
  const one = cluster({}, { endpoints: 1 })
  const answers = [500, 500, 200, 500, 500, 200]
  for (let i = 0; i < 60; i++) one.request(() => answers[i % answers.length]!)
  assert.equal(one.guard.ejected, 0)
})

test('answers of the gateway kind are counted apart, and others of 500 and above break their row', () => {
  const one = cluster({ consecutiveFailures: 0, consecutiveGatewayFailures: 2 }, { endpoints: 1 })
  for (const status of [503, 500, 502, 500]) one.request(() => status)
  assert.equal(one.guard.ejected, 0)
  for (const status of [502, 504]) one.request(() => status)
  assert.equal(one.guard.ejected, 1)
})

test('faults of connections are failures, unless they are counted apart', () => {
  const together = cluster({}, { endpoints: 1 })
  for (const status of [500, 0, 500]) together.request(() => status)
  assert.equal(together.guard.ejected, 1)
  const apart = cluster({ consecutiveLocalFailures: 2 }, { endpoints: 1 })
  for (const status of [500, 0, 500, 0, 500]) apart.request(() => status)
  assert.equal(apart.guard.ejected, 1, 'three answers of 500 with faults of connections between them')
  const cut = cluster({ consecutiveLocalFailures: 2 }, { endpoints: 1 })
  for (const status of [0, 0]) cut.request(() => status)
  assert.equal(cut.guard.ejected, 1)
})

test('after its time one request asks it; what it answers decides, and each ejection is longer than the one before', () => {
  const one = cluster()
  one.run(12, failing(0))
  assert.equal(one.guard.ejected, 1)
  let isWell = false
  const statusOf = (at: number): number => (at === 0 && !isWell ? 500 : 200)
  const askedAtMs: number[] = []
  for (let ms = 0; ms < 30_000; ms += 20) {
    if (one.request(statusOf) === 0) askedAtMs.push(ms)
    one.clock.advance(20)
  }
  // 3, 6, 9 and 12 seconds, each up to an interval later.
  assert.equal(askedAtMs.length, 3, String(askedAtMs))
  const [first, second, third] = askedAtMs as [number, number, number]
  assert.ok(first >= 3000 && first <= 4100, String(askedAtMs))
  assert.ok(second - first >= 6000 && second - first <= 7100, String(askedAtMs))
  assert.ok(third - second >= 9000 && third - second <= 10_100, String(askedAtMs))
  isWell = true
  for (let ms = 0; ms < 14_000; ms += 20) {
    one.request(statusOf)
    one.clock.advance(20)
  }
  assert.equal(one.guard.ejected, 0)
  assert.deepEqual(one.run(100, statusOf), [25, 25, 25, 25])
})

test('a probe whose client went away is sent again', () => {
  const one = cluster({}, { endpoints: 2 })
  one.run(8, failing(0))
  one.clock.advance(4100)
  const probe = one.pick()
  assert.equal(probe, one.slots[0])
  // No outcome: the client has gone.
  one.clock.advance(1100)
  assert.equal(
    one.request(() => 200),
    0,
  )
  assert.equal(one.guard.ejected, 0)
})

test('no more endpoints than the share allows are ejected, and one always where the policy says so', () => {
  const statusOf = (): number => 500
  for (const [ejectedPercentMax, ejectsOneAlways, expected] of [
    [50, false, 5],
    [10, false, 1],
    [5, false, 0],
    [5, true, 1],
    [100, false, 10],
  ] as const) {
    const one = cluster({ ejectedPercentMax, ejectsOneAlways }, { endpoints: 10 })
    one.run(200, statusOf)
    assert.equal(one.guard.ejected, expected, `${ejectedPercentMax} % of 10`)
  }
})

test('when too few are left, ejections are not believed and all get requests', () => {
  const one = cluster({}, { endpoints: 4, panicPercent: 50 })
  one.run(60, failing(0, 1))
  assert.equal(one.guard.ejected, 2)
  assert.deepEqual(one.run(40, failing(0, 1)), [0, 0, 20, 20])
  one.run(12, failing(0, 1, 2))
  assert.equal(one.guard.ejected, 3)
  assert.deepEqual(one.run(40, failing(0, 1, 2)), [10, 10, 10, 10])
})

test('an endpoint whose success rate is far under the mean is ejected at the end of the interval (seed 5)', () => {
  const one = cluster(
    { consecutiveFailures: 0, successRate: { deviations: 1.9, endpointsMin: 5, requestsMin: 50 } },
    { endpoints: 10, seed: 5 },
  )
  const statusOf = (at: number): number => (one.random() < (at === 3 ? 0.3 : 0.02) ? 500 : 200)
  one.run(900, statusOf, 1)
  assert.equal(one.guard.ejected, 0)
  one.run(300, statusOf, 1)
  assert.equal(one.slots[3]!.isEjected, true)
  assert.ok(one.guard.ejected <= 2, String(one.guard.ejected))
})

test('with too few endpoints or requests no rate is judged', () => {
  for (const [endpoints, requests] of [
    [4, 900],
    [10, 300],
  ] as const) {
    const one = cluster(
      { consecutiveFailures: 0, successRate: { deviations: 0, endpointsMin: 5, requestsMin: 50 } },
      { endpoints },
    )
    one.run(requests, failing(1), 1)
    one.clock.advance(2000)
    assert.equal(one.guard.ejected, 0)
  }
})

test('an endpoint of which a share of requests fails is ejected, whatever the others do (seed 6)', () => {
  const one = cluster(
    { consecutiveFailures: 0, failureShare: { percent: 40, endpointsMin: 1, requestsMin: 20 } },
    { endpoints: 4, seed: 6 },
  )
  one.run(400, (at) => (one.random() < (at === 1 ? 0.6 : 0.2) ? 503 : 200), 1)
  one.clock.advance(1000)
  assert.deepEqual(
    one.slots.map(({ isEjected }) => isEjected),
    [false, true, false, false],
  )
})

test('a new list of endpoints keeps who is ejected, and an endpoint that left and came back is trusted', () => {
  const one = cluster({}, { endpoints: 3 })
  one.run(30, failing(0))
  const relist = (...numbers: number[]): void => {
    one.balancer.update(numbers.map((number) => buildEndpoint(number)))
    one.guard.watch()
  }
  relist(1, 2)
  assert.equal(one.guard.ejected, 1)
  assert.deepEqual(one.run(10, failing()), [0, 10])
  relist(2)
  assert.equal(one.guard.ejected, 0)
  relist(1, 2)
  assert.equal(one.slots.filter(({ isEjected }) => isEjected).length, 0)
})

test('without the policy everybody is trusted again', () => {
  const one = cluster({}, { endpoints: 2 })
  one.run(20, failing(0))
  assert.deepEqual(one.run(10, failing()), [0, 10])
  one.guard.update({ name: 'a' })
  assert.deepEqual(one.run(10, failing()), [5, 5])
  assert.equal(one.guard.ejected, 0)
})

test('through any sequence of failures, lists and time the count of ejected endpoints is right, and each comes back (seeds 1 to 20)', () => {
  for (let seed = 1; seed <= 20; seed++) {
    const one = cluster(
      { ejectedPercentMax: 60, successRate: { deviations: 1, endpointsMin: 3, requestsMin: 5 } },
      { endpoints: 8, seed },
    )
    const badUntil = new Map<string, number>()
    for (let step = 0; step < 400; step++) {
      if (one.random() < 0.05) badUntil.set(`10.0.0.${1 + Math.floor(one.random() * 8)}:80`, step + 50)
      if (one.random() < 0.02) {
        const kept = Array.from({ length: 8 }, (_, i) => i + 1).filter(() => one.random() < 0.8)
        one.balancer.update((kept.length > 0 ? kept : [1]).map((number) => buildEndpoint(number)))
        one.guard.watch()
      }
      one.request((at) => ((badUntil.get(one.slots[at]!.key) ?? 0) > step ? (one.random() < 0.5 ? 503 : 0) : 200))
      one.clock.advance(Math.floor(one.random() * 200))
      const ejected = one.slots.filter(({ isEjected }) => isEjected).length
      assert.equal(one.guard.ejected, ejected, `seed ${seed} step ${step}`)
    }
    for (let step = 0; step < 4000; step++) {
      one.request(() => 200)
      one.clock.advance(20)
    }
    assert.equal(one.guard.ejected, 0, `seed ${seed}`)
  }
})
