import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CommandError } from './command.ts'
import { formatAgo, formatSpan, readSince } from './since.ts'

test('reads spans and times, and refuses the rest with an example', () => {
  const nowMs = Date.UTC(2026, 10, 23)
  assert.equal(readSince('90s', nowMs), nowMs - 90_000)
  assert.equal(readSince('1.5h', nowMs), nowMs - 5_400_000)
  assert.equal(readSince('30d', nowMs), Date.UTC(2026, 9, 24))
  assert.equal(readSince('2026-11-22T18:00:00Z', nowMs), Date.UTC(2026, 10, 22, 18))
  for (const text of ['', '10', 'yesterday', '-5m', '10 m', '2026-99-99'])
    assert.throws(
      () => readSince(text, nowMs),
      (error) => error instanceof CommandError && error.code === 2,
      text,
    )
})

test('spans are told in the unit that says most', () => {
  const spans = [400, 5000, 119_000, 120_000, 7_199_000, 7_200_000, 172_800_000].map(formatSpan)
  assert.deepEqual(spans, ['', '5 s', '119 s', '2 min', '119 min', '2 h', '2 d'])
  assert.equal(formatAgo(0, 400), 'now')
  assert.equal(formatAgo(0, 5000), '5 s ago')
})
