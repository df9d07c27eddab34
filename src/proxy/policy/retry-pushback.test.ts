import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pushbackMs } from './retry-pushback.ts'

const nowMs = Date.UTC(2026, 10, 23, 12)
const never = Number.POSITIVE_INFINITY

for (const [name, value, ms] of [
  ['retry-after', '2', 2000],
  ['retry-after', '0', 0],
  ['retry-after', 'Mon, 23 Nov 2026 12:00:03 GMT', 3000],
  ['retry-after', 'Mon, 23 Nov 2026 11:59:00 GMT', 0],
  ['retry-after', 'soon', 0],
  ['retry-after', '-1', 0],
  ['grpc-retry-pushback-ms', '250', 250],
  ['grpc-retry-pushback-ms', '-1', never],
  ['grpc-retry-pushback-ms', 'later', never],
] as const)
  test(`${name}: ${value} is ${ms} ms`, () => {
    assert.equal(pushbackMs([name, value], nowMs), ms)
  })

test('who says nothing asks for nothing, and gRPC goes before HTTP', () => {
  assert.equal(pushbackMs(['content-length', '2'], nowMs), 0)
  assert.equal(pushbackMs(['retry-after', '5', 'grpc-retry-pushback-ms', '7'], nowMs), 7)
})
