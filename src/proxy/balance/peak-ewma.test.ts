import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '#/std/clock.ts'
import { seededRandom } from '#/std/random.ts'
import { createBalancer } from './balancer.ts'
import { PeakLatency } from './peak-latency.ts'
import { chiSquaredFits } from './testing/chi-squared.ts'
import { buildEndpoints } from './testing/endpoint-builder.ts'
import { runLoad } from './testing/load.ts'

function start(count: number, seed: number) {
  const clock = new ManualClock()
  const balancer = createBalancer('peak-ewma', seededRandom(seed), clock)
  balancer.update(buildEndpoints(count))
  return { clock, balancer }
}

test('a slow replica of three gets under a tenth of its share, also at a pace at which it is seldom busy (seeds 1 to 5)', () => {
  for (let seed = 1; seed <= 5; seed++) {
    for (const everyMs of [2, 50]) {
      const { clock, balancer } = start(3, seed)
      const shares = runLoad(balancer, { clock, requests: 4000, everyMs, tookMs: (at) => (at === 1 ? 500 : 5) })
      assert.ok(shares[1]! < 1 / 3 / 10, `seed ${seed}, every ${everyMs} ms: ${shares}`)
    }
  }
})

test('an endpoint that was slow gets its share again when it no longer is (seed 6)', () => {
  const { clock, balancer } = start(2, 6)
  runLoad(balancer, { clock, requests: 200, everyMs: 10, tookMs: (at) => (at === 0 ? 400 : 10) })
  runLoad(balancer, { clock, requests: 30_000, everyMs: 10, tookMs: () => 10 })
  const [again] = runLoad(balancer, { clock, requests: 2000, everyMs: 10, tookMs: () => 10 })
  assert.ok(again! > 0.35, String(again))
})

test('endpoints that take the same time get equal shares (seed 7, p > 0.001)', () => {
  const { clock, balancer } = start(4, 7)
  const shares = runLoad(balancer, { clock, requests: 8000, everyMs: 20, tookMs: () => 5 })
  assert.ok(
    chiSquaredFits(
      shares.map((share) => share * 8000),
      [1, 1, 1, 1],
    ),
    String(shares),
  )
})

test('of an endpoint that is new one answer is awaited before it gets more', () => {
  const { balancer } = start(2, 8)
  const first = balancer.pick()!
  first.acquire()
  const second = balancer.pick()!
  assert.notEqual(second, first)
})

test('a rise is seen at once, a fall slowly, and a failure never looks fast', () => {
  const clock = new ManualClock()
  const latency = new PeakLatency(clock)
  const take = (ms: number, isFailure = false): number => {
    const began = latency.begin()
    clock.advance(ms)
    latency.end(began, isFailure)
    return latency.at(clock.monotonicMs())
  }
  assert.equal(latency.at(0), 0)
  assert.equal(take(10), 10)
  assert.equal(take(200), 200)
  assert.ok(take(10) > 190)
  assert.equal(take(1, true), 1000)
  clock.advance(10_000)
  assert.ok(Math.abs(latency.at(clock.monotonicMs()) - 1000 / Math.E) < 1)
})
