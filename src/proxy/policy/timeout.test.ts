import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attemptTimeoutMs, resolveTimeouts } from './timeout.ts'

test('a rule without timeouts has none', () => {
  const timeouts = resolveTimeouts({ type: 'forward', backends: [], timeoutMs: 0, mirrors: [] }, 0)
  assert.deepEqual(timeouts, { requestMs: 0, attemptMs: 0 })
  assert.equal(attemptTimeoutMs(timeouts, 1e9), 0)
})

test('an attempt has its own limit or the rest of the request, whichever is shorter', () => {
  const retry = {
    attempts: 2,
    statuses: [],
    onConnectFailure: true,
    onReset: true,
    attemptTimeoutMs: 300,
    backoffMs: 0,
  }
  const timeouts = resolveTimeouts({ type: 'forward', backends: [], timeoutMs: 1000, retry, mirrors: [] }, 0)
  assert.deepEqual(timeouts, { requestMs: 1000, attemptMs: 300 })
  assert.equal(attemptTimeoutMs(timeouts, 0), 300)
  assert.equal(attemptTimeoutMs(timeouts, 900), 100)
  assert.equal(attemptTimeoutMs(timeouts, 1000), -1)
  assert.equal(attemptTimeoutMs({ requestMs: 1000, attemptMs: 0 }, 400), 600)
  assert.equal(attemptTimeoutMs({ requestMs: 0, attemptMs: 300 }, 5000), 300)
})

test("a gRPC client's timeout and the rule's bound one another: the shorter counts", () => {
  const rule = (timeoutMs: number) => ({ type: 'forward' as const, backends: [], timeoutMs, mirrors: [] })
  assert.equal(resolveTimeouts(rule(1000), 300).requestMs, 300)
  assert.equal(resolveTimeouts(rule(1000), 3000).requestMs, 1000)
  assert.equal(resolveTimeouts(rule(0), 3000).requestMs, 3000)
})
