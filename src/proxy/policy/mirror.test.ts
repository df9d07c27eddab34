import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '#/std/random.ts'
import { isMirrored } from './mirror.ts'

const share = (numerator: number, denominator: 100 | 10_000 | 1_000_000): number => {
  const random = seededRandom(42)
  let mirrored = 0
  for (let i = 0; i < 100_000; i++) if (isMirrored({ cluster: 'c', numerator, denominator }, random)) mirrored++
  return mirrored / 100_000
}

test('all and none are exact', () => {
  assert.equal(share(100, 100), 1)
  assert.equal(share(0, 100), 0)
})

test('a share is met within four standard deviations (seed 42)', () => {
  for (const [numerator, denominator] of [
    [10, 100],
    [5_000, 10_000],
    [2_500, 1_000_000],
  ] as const) {
    const p = numerator / denominator
    const deviation = Math.sqrt((p * (1 - p)) / 100_000)
    assert.ok(Math.abs(share(numerator, denominator) - p) < 4 * deviation, `${numerator}/${denominator}`)
  }
})
