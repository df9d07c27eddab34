import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RetryPolicy } from '#/model/route.ts'
import { type EndedAttempt, mayResendAfterIdleClose, mayRetry, retryBackoff } from './retry.ts'

const policy: RetryPolicy = {
  attempts: 2,
  statuses: [500, 503, 504],
  onConnectFailure: true,
  onReset: true,
  attemptTimeoutMs: 0,
  backoffMs: 0,
}

const attempt = (given: Partial<EndedAttempt>): EndedAttempt => ({
  method: 'GET',
  code: '',
  status: 0,
  grpcStatus: -1,
  isBodyReplayable: true,
  hasAnswerBytes: false,
  attempts: 1,
  policy: undefined,
  ...given,
})

const claims: [string, Partial<EndedAttempt>, boolean][] = [
  ['a POST that a status of the policy answers is not tried again', { method: 'POST', status: 503, policy }, false],
  ['unless it has an idempotency key', { method: 'POST', hasKey: true, status: 503, policy }, true],
  [
    'a status of gRPC that the policy names is tried again, though its method is POST',
    { method: 'POST', status: 200, grpcStatus: 14, policy: { ...policy, grpcStatuses: [8, 14] } },
    true,
  ],
  [
    'another status of gRPC is not',
    { method: 'POST', status: 200, grpcStatus: 13, policy: { ...policy, grpcStatuses: [8, 14] } },
    false,
  ],
  [
    'a connection that failed is tried elsewhere, with any method and no policy',
    { method: 'POST', code: 'upstream_connect_failed' },
    true,
  ],
  ['so is a timeout of connecting', { method: 'POST', code: 'upstream_connect_timeout', attempts: 2 }, true],
  ['but not more than twice', { code: 'upstream_connect_failed', attempts: 3 }, false],
  [
    'unless the policy allows more',
    { code: 'upstream_connect_failed', attempts: 3, policy: { ...policy, attempts: 5 } },
    true,
  ],
  [
    'not even then without onConnectFailure',
    { code: 'upstream_connect_failed', attempts: 3, policy: { ...policy, attempts: 5, onConnectFailure: false } },
    false,
  ],
  ['a replica that drains is left for another one', { method: 'POST', code: 'draining' }, true],
  ['a body that is gone forbids everything', { code: 'upstream_connect_failed', isBodyReplayable: false }, false],
  ['a missing endpoint is not mended by trying', { code: 'no_healthy_upstream' }, false],
  ['a bad request is not mended by trying', { code: 'bad_request', policy }, false],
  ['a reset of GET is tried at one more endpoint without policy', { code: 'upstream_reset' }, true],
  ['and at no third', { code: 'upstream_reset', attempts: 2 }, false],
  ['a reset of POST is not tried again without policy', { method: 'POST', code: 'upstream_reset' }, false],
  ['a reset of GET is tried again with policy', { code: 'upstream_reset', policy }, true],
  ['a reset of PUT is tried again with policy', { method: 'PUT', code: 'upstream_reset', policy }, true],
  ['a reset of POST never is', { method: 'POST', code: 'upstream_reset', policy }, false],
  ['a reset of PATCH never is', { method: 'PATCH', code: 'upstream_reset', policy }, false],
  ['a reset within the answer never is', { code: 'upstream_reset', policy, hasAnswerBytes: true }, false],
  [
    'a reset is not tried again without onReset',
    { code: 'upstream_reset', policy: { ...policy, onReset: false } },
    false,
  ],
  ['the attempts of a policy are those after the first', { code: 'upstream_reset', policy, attempts: 2 }, true],
  ['and then it is enough', { code: 'upstream_reset', policy, attempts: 3 }, false],
  ['a status of the policy is tried again', { status: 503, hasAnswerBytes: true, policy }, true],
  ['another status is not', { status: 502, hasAnswerBytes: true, policy }, false],
  ['no status is without policy', { status: 503, hasAnswerBytes: true }, false],
  ['a POST that was answered is not', { method: 'POST', status: 503, hasAnswerBytes: true, policy }, false],
  ['a timed-out attempt counts as the 504 it would become', { code: 'backend_timeout', policy }, true],
  ['and not when 504 is not in the policy', { code: 'backend_timeout', policy: { ...policy, statuses: [500] } }, false],
  ['the end of the whole time is the end', { code: 'request_timeout', policy }, false],
  ['a client that is gone wants no answer', { code: 'client_gone', policy }, false],
]

for (const [title, given, expected] of claims) test(title, () => assert.equal(mayRetry(attempt(given)), expected))

test('a kept connection that closed under an idempotent request is forgiven without policy', () => {
  assert.equal(mayResendAfterIdleClose({ method: 'GET', isBodyReplayable: true, attempts: 1 }), true)
  assert.equal(mayResendAfterIdleClose({ method: 'POST', isBodyReplayable: true, attempts: 1 }), false)
  assert.equal(mayResendAfterIdleClose({ method: 'GET', isBodyReplayable: false, attempts: 1 }), false)
  assert.equal(mayResendAfterIdleClose({ method: 'GET', isBodyReplayable: true, attempts: 3 }), false)
})

test('the wait starts at 25 ms unless the policy says otherwise', () => {
  assert.deepEqual(retryBackoff(policy), { initialMs: 25, maxMs: 250 })
  assert.deepEqual(retryBackoff({ ...policy, backoffMs: 100 }), { initialMs: 100, maxMs: 1000 })
})
