import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from './clock.ts'

test('fires timers in the order of their time, also those set on the way', () => {
  const clock = new ManualClock()
  const seen: string[] = []
  clock.after(20, () => seen.push(`b@${clock.monotonicMs()}`))
  clock.after(10, () => {
    seen.push(`a@${clock.monotonicMs()}`)
    clock.after(5, () => seen.push(`c@${clock.monotonicMs()}`))
  })
  clock.advance(30)
  assert.deepEqual(seen, ['a@10', 'c@15', 'b@20'])
  assert.equal(clock.monotonicMs(), 30)
})

test('does not fire what was cancelled', () => {
  const clock = new ManualClock()
  const timer = clock.after(1, () => assert.fail('fired'))
  timer.cancel()
  timer.cancel()
  clock.advance(10)
})
