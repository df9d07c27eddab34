import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pickIndex, seededRandom } from './random.ts'

test('gives the same sequence for the same seed and another for another', () => {
  const draw = (seed: number) => Array.from({ length: 5 }, seededRandom(seed))
  assert.deepEqual(draw(7), draw(7))
  assert.notDeepEqual(draw(7), draw(8))
})

test('is even enough: chi-squared over 16 cells stays under the 0.1 % bound', () => {
  const random = seededRandom(42)
  const cells = new Array<number>(16).fill(0)
  for (let i = 0; i < 16_000; i++) cells[pickIndex(random, 16)]!++
  const chi = cells.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)
  assert.ok(chi < 37.7, `chi-squared ${chi} (seed 42)`)
})
