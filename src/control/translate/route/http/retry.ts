/** How long a rule's requests may take and when they are tried again (GEP-1742, GEP-1731). */

import { durationMs } from '#/api/duration.ts'
import type { HTTPRule } from '#/api/gateway.ts'
import type { ForwardAction, RetryPolicy } from '#/model/route.ts'

/** Tries after the first where `retry` names no `attempts`. */
const defaultAttempts = 2

/**
 * A limit of single attempts stands in the retry policy, as in Envoy; alone it makes one that retries nothing.
 * No timeout is assumed where none is given: a mesh that cuts long downloads by itself is a bad surprise.
 */
export function patienceOf({ timeouts, retry }: HTTPRule): Pick<ForwardAction, 'timeoutMs' | 'retry'> {
  const timeoutMs = durationMs(timeouts?.request)
  const attemptTimeoutMs = durationMs(timeouts?.backendRequest)
  const attempts = retry ? (retry.attempts ?? defaultAttempts) : 0
  if (attempts === 0 && attemptTimeoutMs === 0) return { timeoutMs }
  const policy: RetryPolicy = {
    attempts,
    statuses: attempts > 0 ? [...new Set(retry?.codes)].sort((a, b) => a - b) : [],
    onConnectFailure: attempts > 0,
    // The request may have had its effect (HTTPRouteRetry: SHOULD NOT retry by default).
    onReset: false,
    attemptTimeoutMs,
    backoffMs: attempts > 0 ? durationMs(retry?.backoff) : 0,
  }
  return { timeoutMs, retry: policy }
}
