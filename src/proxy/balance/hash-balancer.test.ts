import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, seededRandom } from '#/std/random.ts'
import { type Balancer, createBalancer } from './balancer.ts'
import { hashText } from './hash.ts'
import { chiSquaredFits } from './testing/chi-squared.ts'
import { buildEndpoint, buildEndpoints } from './testing/endpoint-builder.ts'

const keyCount = 20_000
const hashes = Array.from({ length: keyCount }, (_, i) => hashText(`user-${i}`))

function start(
  kind: 'ring-hash' | 'maglev',
  endpoints = buildEndpoints(10),
  random: Random = seededRandom(1),
): Balancer {
  const balancer = createBalancer(kind, random)
  balancer.update(endpoints)
  return balancer
}

function homes(balancer: Balancer): string[] {
  return hashes.map((hash) => balancer.pick(undefined, hash)!.key)
}

function movedShare(before: readonly string[], after: readonly string[]): number {
  return before.filter((key, i) => key !== after[i]).length / before.length
}

function sharesOf(balancer: Balancer): number[] {
  const counts = new Map<string, number>()
  for (const key of homes(balancer)) counts.set(key, (counts.get(key) ?? 0) + 1)
  return [...balancer.slots.keys()].map((key) => (counts.get(key) ?? 0) / keyCount)
}

test('texts that differ little have hashes that are even (p > 0.001)', () => {
  for (const buckets of [7, 64, 1000]) {
    const counts = new Array<number>(buckets).fill(0)
    for (const hash of hashes) counts[Math.floor((hash / 2 ** 32) * buckets)]!++
    assert.ok(chiSquaredFits(counts, new Array<number>(buckets).fill(1)), `${buckets} buckets`)
  }
})

for (const kind of ['ring-hash', 'maglev'] as const) {
  test(`${kind}: a key keeps its endpoint, in every proxy and whatever the order of the list`, () => {
    const one = homes(start(kind))
    const other = start(kind, buildEndpoints(10).reverse(), seededRandom(99))
    // Maglev fills its table in the order of the list, which is why it is not asked of it.
    if (kind === 'ring-hash') assert.deepEqual(homes(other), one)
    assert.deepEqual(homes(start(kind, buildEndpoints(10), seededRandom(99))), one)
  })

  test(`${kind}: an endpoint that comes or goes moves at most its share and 5 %`, () => {
    for (const count of [2, 5, 10, 50]) {
      const balancer = start(kind, buildEndpoints(count))
      const before = homes(balancer)
      balancer.update(buildEndpoints(count + 1))
      const grown = homes(balancer)
      assert.ok(movedShare(before, grown) <= 1 / (count + 1) + 0.05, `${count} and one: ${movedShare(before, grown)}`)
      balancer.update(buildEndpoints(count))
      assert.deepEqual(homes(balancer), before)
    }
  })

  test(`${kind}: shares follow the weights`, () => {
    const tolerance = kind === 'maglev' ? 0.02 : 0.06
    for (const weights of [
      [1, 1, 1, 1],
      [1, 2, 3, 4],
      [1, 9],
    ]) {
      const sum = weights.reduce((total, weight) => total + weight, 0)
      const shares = sharesOf(
        start(
          kind,
          buildEndpoints(weights.length, (i) => weights[i]!),
        ),
      )
      shares.forEach((share, i) => {
        assert.ok(Math.abs(share - weights[i]! / sum) < tolerance, `${shares} for ${weights}`)
      })
    }
  })

  test(`${kind}: keys of an ejected endpoint go to others, and those of others stay`, () => {
    const balancer = start(kind)
    const before = homes(balancer)
    const gone = [...balancer.slots.values()][3]!
    gone.isEjected = true
    balancer.refresh(50)
    const after = homes(balancer)
    assert.ok(!after.includes(gone.key))
    const others = before.filter((key, i) => key !== gone.key && key !== after[i]).length
    assert.ok(others / keyCount < 0.05, String(others))
  })

  test(`${kind}: a retry of the same key goes to the same other endpoint`, () => {
    const balancer = start(kind)
    for (const hash of hashes.slice(0, 200)) {
      const first = balancer.pick(undefined, hash)!
      const second = balancer.pick([first], hash)!
      assert.notEqual(second, first)
      assert.equal(balancer.pick([first], hash), second)
    }
    assert.equal(balancer.pick([...balancer.slots.values()], hashes[0]!), undefined)
  })
}

test('a thousand endpoints of weights far apart all get something', () => {
  for (const kind of ['ring-hash', 'maglev'] as const) {
    const balancer = start(kind, [buildEndpoint(1, { weight: 1000 }), ...buildEndpoints(1000).slice(1)])
    const homesOfAll = new Set(
      Array.from({ length: 200_000 }, (_, i) => balancer.pick(undefined, hashText(`k${i}`))!.key),
    )
    assert.ok(homesOfAll.size > 990, `${kind}: ${homesOfAll.size}`)
  }
})
