import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backoff } from './backoff.ts'
import { seededRandom } from './random.ts'

test('waits between half of the step and the step, never longer than the maximum', () => {
  const backoff = new Backoff({ initialMs: 100, maxMs: 1000, random: seededRandom(1) })
  for (const step of [100, 200, 400, 800, 1000, 1000]) {
    const wait = backoff.next()
    assert.ok(wait >= step / 2 && wait <= step, `${wait} for step ${step}`)
  }
  backoff.reset()
  assert.ok(backoff.next() <= 100)
})
