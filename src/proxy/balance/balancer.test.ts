import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { LoadBalancing } from '#/model/cluster.ts'
import type { Endpoint } from '#/model/endpoint.ts'
import { pickIndex, seededRandom } from '#/std/random.ts'
import { measurePick } from './balancer.bench.ts'
import { type Balancer, createBalancer } from './balancer.ts'
import type { EndpointSlot } from './endpoint-slot.ts'
import { chiSquaredFits } from './testing/chi-squared.ts'
import { buildEndpoint, buildEndpoints } from './testing/endpoint-builder.ts'

const kinds: readonly LoadBalancing[] = ['round-robin', 'random', 'least-request', 'peak-ewma', 'ring-hash', 'maglev']

function countPicks(balancer: Balancer, picks: number): Map<string, number> {
  const counts = new Map<string, number>([...balancer.slots.keys()].map((key) => [key, 0]))
  for (let i = 0; i < picks; i++) {
    const slot = balancer.pick()
    assert.ok(slot)
    counts.set(slot.key, counts.get(slot.key)! + 1)
  }
  return counts
}

for (const kind of kinds) {
  describe(`${kind} keeps the contract of balancers`, () => {
    const create = (endpoints: readonly Endpoint[], seed = 1) => {
      const balancer = createBalancer(kind, seededRandom(seed))
      balancer.update(endpoints)
      return balancer
    }

    test('without endpoints it picks none', () => {
      assert.equal(createBalancer(kind).pick(), undefined)
      assert.equal(create([]).pick(), undefined)
      assert.equal(create([]).pick([]), undefined)
    })

    test('a single endpoint takes everything', () => {
      assert.deepEqual([...countPicks(create(buildEndpoints(1)), 100).values()], [100])
    })

    test('unhealthy endpoints get nothing, draining ones only when nothing is healthy', () => {
      const [healthy, draining, unhealthy] = [
        buildEndpoint(1),
        buildEndpoint(2, { health: 'draining' }),
        buildEndpoint(3, { health: 'unhealthy' }),
      ]
      assert.deepEqual([...countPicks(create([draining, unhealthy, healthy]), 100).values()], [0, 0, 100])
      assert.deepEqual([...countPicks(create([draining, unhealthy]), 100).values()], [100, 0])
      assert.equal(create([unhealthy]).pick(), undefined)
      assert.equal(create([draining, unhealthy, healthy]).size, 1)
    })

    test('endpoints that were tried are left out, and none is picked when all were', () => {
      for (const weightOf of [() => 1, (i: number) => i + 1]) {
        const balancer = create(buildEndpoints(4, weightOf))
        const tried: EndpointSlot[] = []
        for (let i = 0; i < 4; i++) {
          for (let again = 0; again < 20; again++) assert.ok(!tried.includes(balancer.pick(tried)!))
          tried.push(balancer.pick(tried)!)
        }
        assert.equal(new Set(tried).size, 4)
        assert.equal(balancer.pick(tried), undefined)
        assert.ok(balancer.pick([]))
      }
    })

    test('endpoints that stay keep their slots, counters and attachments; those that go are told', () => {
      const balancer = createBalancer<string>(kind, seededRandom(1))
      const { added } = balancer.update(buildEndpoints(3))
      assert.equal(added.length, 3)
      for (const slot of added) {
        slot.acquire()
        slot.attachment = `pool of ${slot.key}`
      }
      const change = balancer.update([buildEndpoint(4), buildEndpoint(3, { weight: 7 }), buildEndpoint(1)])
      assert.deepEqual(
        change.added.map(({ key }) => key),
        ['10.0.0.4:80'],
      )
      assert.deepEqual(change.removed, [added[1]])
      assert.equal(added[1]!.isRemoved, true)
      assert.equal(balancer.slots.get('10.0.0.3:80'), added[2])
      assert.equal(added[2]!.endpoint.weight, 7)
      assert.equal(added[2]!.active, 1)
      assert.equal(added[2]!.attachment, 'pool of 10.0.0.3:80')
      assert.equal(balancer.slots.get('10.0.0.1:80'), added[0])
    })

    test('an endpoint that is listed twice is one, and IPv6 addresses keep their brackets', () => {
      const balancer = create([buildEndpoint(1), buildEndpoint(1, { weight: 9 }), buildEndpoint(2, { address: '::1' })])
      assert.deepEqual([...balancer.slots.keys()], ['10.0.0.1:80', '[::1]:80'])
      assert.equal(balancer.slots.get('10.0.0.1:80')?.endpoint.weight, 1)
    })

    test('idle endpoints get requests by weight (p > 0.001, seeds 1 to 5)', () => {
      for (const weights of [
        [1, 1, 1, 1],
        [1, 2, 3, 4],
        [1, 1, 98],
      ]) {
        for (let seed = 1; seed <= 5; seed++) {
          const balancer = create(
            buildEndpoints(weights.length, (i) => weights[i]!),
            seed,
          )
          const counts = [...countPicks(balancer, 20_000).values()]
          assert.ok(chiSquaredFits(counts, weights), `seed ${seed}: ${counts} for ${weights}`)
        }
      }
    })

    test('what is left after an exclusion gets requests by weight (seed 6)', () => {
      const weights = [1, 2, 3, 4]
      const balancer = create(
        buildEndpoints(4, (i) => weights[i]!),
        6,
      )
      const excluded = [...balancer.slots.values()].slice(3)
      const counts = new Map<EndpointSlot, number>([...balancer.slots.values()].map((slot) => [slot, 0]))
      for (let i = 0; i < 20_000; i++) {
        const slot = balancer.pick(excluded)!
        counts.set(slot, counts.get(slot)! + 1)
      }
      assert.ok(chiSquaredFits([...counts.values()], [1, 2, 3, 0]), String([...counts.values()]))
    })

    test('through any sequence of updates it picks only what the last list allows', () => {
      for (let seed = 1; seed <= 50; seed++) {
        const random = seededRandom(seed)
        const balancer = createBalancer(kind, random)
        for (let step = 0; step < 20; step++) {
          const list = Array.from({ length: pickIndex(random, 8) }, () =>
            buildEndpoint(1 + pickIndex(random, 10), {
              weight: 1 + pickIndex(random, 3),
              health: (['healthy', 'healthy', 'draining', 'unhealthy'] as const)[pickIndex(random, 4)]!,
            }),
          )
          balancer.update(list)
          const first = new Map([...list].reverse().map((endpoint) => [`${endpoint.address}:80`, endpoint]))
          const hasHealthy = [...first.values()].some(({ health }) => health === 'healthy')
          const expected = [...first.values()].filter(({ health }) => health === (hasHealthy ? 'healthy' : 'draining'))
          assert.equal(balancer.size, expected.length, `seed ${seed} step ${step}`)
          for (let i = 0; i < 10; i++) {
            const slot = balancer.pick()
            const isExpected = slot ? expected.includes(slot.endpoint) && !slot.isRemoved : expected.length === 0
            assert.ok(isExpected, `seed ${seed} step ${step}: ${slot?.key}`)
            if (random() < 0.5) slot?.acquire()
          }
        }
      }
    })
  })
}

test('with equal weights a choice among a thousand costs about what one among three costs', () => {
  for (const kind of kinds) {
    const [fewNs, manyNs] = [3, 1000].map((count) => measurePick(kind, { count, weights: 'equal', iterations: 5000 }))
    assert.ok(manyNs! < 5 * fewNs! + 500, `${kind}: ${manyNs} ns against ${fewNs} ns`)
  }
})
