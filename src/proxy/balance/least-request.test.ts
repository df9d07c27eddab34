import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '#/std/random.ts'
import { createBalancer } from './balancer.ts'
import { buildEndpoints } from './testing/endpoint-builder.ts'

test('of two endpoints the busier one gets nothing', () => {
  const balancer = createBalancer('least-request', seededRandom(1))
  balancer.update(buildEndpoints(2))
  const [busy, idle] = [...balancer.slots.values()]
  busy!.acquire()
  for (let i = 0; i < 100; i++) assert.equal(balancer.pick(), idle)
})

test('weight excuses load: 3 under way at weight 3 are as busy as 1 at weight 1', () => {
  const balancer = createBalancer('least-request', seededRandom(2))
  balancer.update(buildEndpoints(2, (i) => [1, 3][i]!))
  const [light, heavy] = [...balancer.slots.values()]
  light!.active = 1
  heavy!.active = 4
  const heavier = Array.from({ length: 1000 }, () => balancer.pick()).filter((slot) => slot === heavy).length
  // Only when both draws give it: 9 of 16.
  assert.ok(Math.abs(heavier - 562) < 65, String(heavier))
  heavy!.active = 2
  const lighter = Array.from({ length: 1000 }, () => balancer.pick()).filter((slot) => slot === light).length
  assert.ok(Math.abs(lighter - 62) < 40, String(lighter))
})

test('a slow endpoint gets fewer requests than with random choice (seed 3)', () => {
  const sharesOf = (kind: 'least-request' | 'random'): number => {
    const random = seededRandom(3)
    const balancer = createBalancer(kind, random)
    balancer.update(buildEndpoints(4))
    const slow = [...balancer.slots.values()][0]!
    const ends: { at: number; release: () => void }[] = []
    for (let now = 0; now < 5000; now++) {
      for (const end of ends.filter(({ at }) => at === now)) end.release()
      const slot = balancer.pick()!
      slot.acquire()
      ends.push({ at: now + (slot === slow ? 40 : 4), release: () => slot.release(false) })
      if (ends.length > 200) ends.splice(0, ends.length - 200)
    }
    return slow.requests / 5000
  }
  assert.ok(sharesOf('random') > 0.22)
  assert.ok(sharesOf('least-request') < 0.12)
})

test('a slot counts what is under way, what was begun and what failed', () => {
  const balancer = createBalancer('least-request')
  balancer.update(buildEndpoints(1))
  const slot = balancer.pick()!
  slot.acquire()
  slot.acquire()
  slot.release(true)
  assert.deepEqual([slot.active, slot.requests, slot.failures], [1, 2, 1])
})
