import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hourMs, minuteMs, TrafficCount } from './traffic-count.ts'

const startMs = Date.UTC(2026, 10, 23, 12, 0, 30)

test('counts by the minute within an hour, by the hour within a day, beyond that all', () => {
  const count = new TrafficCount()
  count.add(100, startMs - 48 * hourMs)
  count.add(10, startMs - 5 * hourMs)
  count.add(3, startMs - 20 * minuteMs)
  count.add(2, startMs)
  assert.equal(count.since(startMs - minuteMs, startMs), 2)
  assert.equal(count.since(startMs - 30 * minuteMs, startMs), 5)
  assert.equal(count.since(startMs - 6 * hourMs, startMs), 15)
  assert.equal(count.since(startMs - 72 * hourMs, startMs), 115)
})

test('what has gone by is not counted again when its place is taken', () => {
  const count = new TrafficCount()
  count.add(7, startMs)
  assert.equal(count.since(startMs - 10 * minuteMs, startMs), 7)
  assert.equal(count.since(startMs + 55 * minuteMs, startMs + 60 * minuteMs), 0)
  count.add(1, startMs + 60 * minuteMs)
  assert.equal(count.since(startMs + 59 * minuteMs, startMs + 60 * minuteMs), 1)
})

test('comes back from a file by the hour', () => {
  const count = new TrafficCount()
  count.add(5, startMs - 3 * hourMs)
  count.add(4, startMs)
  const kept = { total: count.total, hours: count.hours(startMs), savedMs: startMs }
  assert.deepEqual(kept.hours, [4, 0, 0, 5])
  const again = new TrafficCount()
  again.restore(kept)
  assert.equal(again.since(startMs - 2 * hourMs, startMs + hourMs), 4)
  assert.equal(again.since(startMs - 4 * hourMs, startMs + hourMs), 9)
  assert.equal(again.total, 9)
})
