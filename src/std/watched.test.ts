import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { WatchedValue } from './watched.ts'

test('tells a late subscriber the present value', async () => {
  const value = new WatchedValue(1)
  const seen: number[] = []
  value.subscribe((next) => seen.push(next))
  await turn()
  assert.deepEqual(seen, [1])
})

test('tells a burst once, with its last value', async () => {
  const value = new WatchedValue<number>()
  const seen: number[] = []
  value.subscribe((next) => seen.push(next))
  for (let i = 1; i <= 5; i++) value.set(i)
  await turn()
  assert.deepEqual(seen, [5])
})

test('is silent about an equal value', async () => {
  const value = new WatchedValue({ n: 1 }, (a, b) => a.n === b.n)
  const seen: number[] = []
  value.subscribe(({ n }) => seen.push(n))
  await turn()
  value.set({ n: 1 })
  await turn()
  assert.deepEqual(seen, [1])
})

test('tells nothing to who has left', async () => {
  const value = new WatchedValue(1)
  const seen: number[] = []
  const leave = value.subscribe((next) => seen.push(next))
  leave()
  await turn()
  assert.deepEqual(seen, [])
})
