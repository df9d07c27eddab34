import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '#/std/random.ts'
import { newCounter, takeFromWindow } from './sliding-window.ts'

const second = { requests: 10, windowMs: 1000, hits: 1, count: 1 }

test('grants what the limit says and no more, and tells what remains', () => {
  const counter = newCounter()
  const remaining = Array.from({ length: 10 }, () => takeFromWindow(counter, second, 5000).remaining)
  assert.deepEqual(remaining, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
  assert.deepEqual(takeFromWindow(counter, second, 5250), { granted: 0, remaining: 0, resetMs: 750 })
})

test('a window that was used up is still felt in the next, by the part of it that is within a window of now', () => {
  const counter = newCounter()
  takeFromWindow(counter, { ...second, count: 10 }, 5999)
  assert.equal(takeFromWindow(counter, second, 6000).granted, 0, 'no double burst at the border')
  assert.equal(takeFromWindow(counter, { ...second, count: 10 }, 6500).granted, 5)
  assert.equal(
    takeFromWindow(counter, { ...second, count: 10 }, 8000).granted,
    10,
    'after a window of silence all is free',
  )
})

test('asks of several hits are granted whole or not at all, and asks of none only look', () => {
  const counter = newCounter()
  assert.deepEqual(takeFromWindow(counter, { ...second, hits: 4, count: 5 }, 0), {
    granted: 2,
    remaining: 2,
    resetMs: 1000,
  })
  assert.deepEqual(takeFromWindow(counter, { ...second, hits: 0 }, 0), { granted: 1, remaining: 2, resetMs: 1000 })
})

test('a clock that is set back gives nothing twice', () => {
  const counter = newCounter()
  assert.equal(takeFromWindow(counter, { ...second, count: 20 }, 5000).granted, 10)
  assert.equal(takeFromWindow(counter, { ...second, count: 20 }, 3000).granted, 0)
})

test('under any load a limit of 100 a second grants 100 a second within 2 %, and never 2 % more in any second', () => {
  const seed = 11
  const random = seededRandom(seed)
  const counter = newCounter()
  const granted: number[] = []
  for (let nowMs = 0; nowMs < 60_000; nowMs += random() * 2)
    if (takeFromWindow(counter, { ...second, requests: 100 }, nowMs).granted === 1) granted.push(nowMs)
  const rate = granted.length / 60
  assert.ok(Math.abs(rate - 100) <= 2 + 100 / 60, `seed ${seed}: ${rate} a second`)
  for (const [index, atMs] of granted.entries()) {
    const hundredth = granted[index + 102]
    assert.ok(
      hundredth === undefined || hundredth - atMs > 1000 * 0.98,
      `seed ${seed}: 103 within ${hundredth! - atMs} ms at ${atMs}`,
    )
  }
})
