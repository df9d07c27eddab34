import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '#/std/random.ts'
import { RoundRobinBalancer } from './round-robin.ts'
import { buildEndpoint, buildEndpoints } from './testing/endpoint-builder.ts'

const numbersOf = (balancer: RoundRobinBalancer<unknown>, picks: number): number[] =>
  Array.from({ length: picks }, () => Number(balancer.pick()!.endpoint.address.split('.')[3]))

const create = (seed: number) => new RoundRobinBalancer<unknown>(seededRandom(seed))

test('with equal weights every window of n picks holds every endpoint once', () => {
  const balancer = create(1)
  balancer.update(buildEndpoints(5))
  const picks = numbersOf(balancer, 50)
  for (let i = 0; i + 5 <= picks.length; i++) assert.equal(new Set(picks.slice(i, i + 5)).size, 5)
})

test('proxies that start together begin at different endpoints', () => {
  const firsts = Array.from({ length: 40 }, (_, seed) => {
    const balancer = create(seed)
    balancer.update(buildEndpoints(4))
    return numbersOf(balancer, 1)[0]
  })
  assert.equal(new Set(firsts).size, 4)
})

test('a heavy endpoint is spread out: 5, 1, 1 never gives more than two in a row within a round', () => {
  const balancer = create(2)
  balancer.update(buildEndpoints(3, (i) => [5, 1, 1][i]!))
  const picks = numbersOf(balancer, 70)
  for (const number of [1, 2, 3]) {
    assert.equal(picks.filter((pick) => pick === number).length, number === 1 ? 50 : 10, String(picks))
  }
  for (let i = 0; i + 5 <= picks.length; i++) assert.ok(new Set(picks.slice(i, i + 5)).size > 1, String(picks))
})

test('an update that changes nothing does not disturb the turn', () => {
  const [steady, updated] = [create(3), create(3)]
  for (const weightOf of [() => 1, (i: number) => 1 + i]) {
    steady.update(buildEndpoints(4, weightOf))
    updated.update(buildEndpoints(4, weightOf))
    for (let i = 0; i < 20; i++) {
      updated.update(buildEndpoints(4, weightOf).reverse())
      assert.deepEqual(numbersOf(updated, 1), numbersOf(steady, 1))
    }
  }
})

test('when an endpoint goes, the turn goes on with the next that is there', () => {
  const balancer = create(4)
  balancer.update(buildEndpoints(4))
  let [last] = numbersOf(balancer, 1)
  while (last !== 2) last = numbersOf(balancer, 1)[0]
  balancer.update([buildEndpoint(1), buildEndpoint(2), buildEndpoint(4)])
  assert.deepEqual(numbersOf(balancer, 4), [4, 1, 2, 4])
})

test('frequent updates leave the shares even', () => {
  const balancer = create(5)
  const counts = new Map<number, number>()
  for (let i = 0; i < 900; i++) {
    balancer.update([...buildEndpoints(3), buildEndpoint(10 + (i % 3))])
    const [number] = numbersOf(balancer, 1)
    counts.set(number!, (counts.get(number!) ?? 0) + 1)
  }
  const steady = [1, 2, 3].map((number) => counts.get(number) ?? 0)
  assert.ok(Math.max(...steady) - Math.min(...steady) <= 300, String(steady))
  assert.ok(Math.min(...steady) > 100, String(steady))
})
