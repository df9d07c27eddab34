import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '#/std/random.ts'
import { LimitTable, newLimitTable, type SharedLimit } from './limit-table.ts'

function tables(loops: number): LimitTable[] {
  const shape = newLimitTable(loops)
  return Array.from({ length: loops }, (_, loop) => new LimitTable(shape, loop))
}

function open(all: readonly LimitTable[], key: string): SharedLimit[] {
  return all.map((table) => table.open(key))
}

function takeAll(limit: SharedLimit, max: number): number {
  let taken = 0
  while (limit.take(max)) taken++
  return taken
}

test('one loop may take all that the others leave, and no more', () => {
  const [one, two] = open(tables(2), 'reviews 10.0.0.1:80') as [SharedLimit, SharedLimit]
  assert.equal(takeAll(one, 10), 10)
  assert.equal(takeAll(two, 10), 0)
  one.give()
  one.give()
  assert.equal(takeAll(two, 10), 2)
  assert.equal(one.isFull(10), true)
})

test('a loop keeps to its part while others wait, and owes what it has beyond', () => {
  const [one, two] = open(tables(2), 'reviews 10.0.0.1:80') as [SharedLimit, SharedLimit]
  for (let i = 0; i < 7; i++) assert.ok(one.take(9))
  two.waiting = 3
  assert.equal(one.part(9) + two.part(9), 9)
  assert.equal(one.take(9), false)
  assert.equal(one.isOwed(9, false), true)
  assert.equal(takeAll(two, 9), 2)
  for (let i = 0; i < 2; i++) one.give()
  assert.equal(one.taken, 5)
  assert.equal(one.isOwed(9, false), false, 'its part is its own while it has use for it')
  assert.equal(takeAll(two, 9), 2)
  assert.equal(one.isOwed(9, true), true, 'what is idle goes to those who wait, even of its part')
})

test('what a dead loop held is free again', () => {
  const all = tables(3)
  const [one, two] = open(all, 'reviews 10.0.0.1:80') as [SharedLimit, SharedLimit]
  assert.equal(takeAll(two, 6), 6)
  two.waiting = 4
  assert.equal(one.isFull(6), true)
  all[0]!.wipe(1)
  assert.equal(one.othersWaiting, 0)
  assert.equal(takeAll(one, 6), 6)
})

test('names are told apart, and rows are used again', () => {
  const seed = 7
  const random = seededRandom(seed)
  const all = tables(2)
  const held = new Map<string, SharedLimit[]>()
  const expected = new Map<string, number>()
  for (let step = 0; step < 20_000; step++) {
    const key = `cluster-${Math.floor(random() * 1500)}`
    const before = held.get(key)
    if (before && random() < 0.4) {
      for (const [loop, limit] of before.entries()) {
        while (limit.taken > 0) limit.give()
        all[loop]!.release(limit)
      }
      held.delete(key)
      expected.delete(key)
      continue
    }
    const limits = before ?? open(all, key)
    held.set(key, limits)
    assert.ok(
      limits.every(({ row }) => row > 0 && row === limits[0]!.row),
      `seed ${seed}, step ${step}: another row`,
    )
    const loop = random() < 0.5 ? 0 : 1
    const taken = expected.get(key) ?? 0
    assert.equal(limits[loop]!.take(20), taken < 20, `seed ${seed}, step ${step}, ${key}: ${taken} taken`)
    expected.set(key, Math.min(20, taken + 1))
  }
})

test('a limit that finds no room in the table gives each loop its part', () => {
  const all = tables(2)
  for (let i = 0; i < 2048; i++) all[0]!.open(`cluster-${i}`)
  const [one, two] = open(all, 'one too many') as [SharedLimit, SharedLimit]
  assert.ok(one.row < 0 && two.row < 0)
  assert.equal(takeAll(one, 7) + takeAll(two, 7), 7)
})
