import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationMs } from './duration.ts'

test('adds up the parts of a Gateway API duration', () => {
  const cases = { '0s': 0, '500ms': 500, '1m30s': 90_000, '1h0m0s1ms': 3_600_001, '10s': 10_000, '2m': 120_000 }
  for (const [text, ms] of Object.entries(cases)) assert.equal(durationMs(text), ms, text)
  assert.equal(durationMs(undefined), 0)
})
