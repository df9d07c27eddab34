/**
 * Whether a request may be tried again. What certainly never reached an application may always be sent elsewhere, policy or
 * not. Where the application may have acted on it, the method has to be one that may be repeated; then a connection that
 * was cut before any byte of an answer is worth one more endpoint, and everything else needs the user's word (`retry` of the rule).
 */
import type { RetryPolicy } from '#/model/route.ts'
import { type ErrorCodeName, errorCodes } from '#/std/errors.ts'

/** An attempt that ended without an answer to give to the client, or with one that the policy may refuse. */
export interface EndedAttempt {
  method: string
  /** It has an `idempotency-key` (draft-ietf-httpapi-idempotency-key-header): its server sees to it that it is done once. */
  hasKey?: boolean
  /** Why there is no answer; empty when there is one. */
  code: ErrorCodeName | ''
  /** Status of the answer, 0 when there is none. */
  status: number
  /** Status of gRPC in the head of the answer, -1 for none. */
  grpcStatus: number
  /** The whole body so far is still held, so that it can be sent again. */
  isBodyReplayable: boolean
  /** Bytes of an answer had come (its head counts): it is too late to start over. */
  hasAnswerBytes: boolean
  /** Attempts made, this one included: 1 or more. */
  attempts: number
  policy: RetryPolicy | undefined
}

/** Attempts that are free of any policy, since nothing was sent: the first and two more endpoints. */
export const unsentAttemptsMax = 3

/**
 * As `unsentAttemptsMax`, for an idempotent request that was cut before any byte of an answer (RFC 9110 section 9.2.2). One
 * more endpoint and no third: a request that ends whoever takes it must not go round.
 */
export const cutAttemptsMax = 2

/** RFC 9110 section 9.2.2: safe methods, PUT and DELETE. */
const idempotentMethods = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])

export function isIdempotent(method: string, hasKey = false): boolean {
  return hasKey || idempotentMethods.has(method)
}

export function mayRetry(attempt: EndedAttempt): boolean {
  const { code, status, policy, attempts, isBodyReplayable } = attempt
  if (!isBodyReplayable) return false
  const isWithinPolicy = policy !== undefined && attempts <= policy.attempts
  if (code !== '') {
    if (isElsewherePossible(code)) return attempts < unsentAttemptsMax || (isWithinPolicy && policy.onConnectFailure)
    if (attempt.hasAnswerBytes || !isIdempotent(attempt.method, attempt.hasKey)) return false
    if (code === 'upstream_reset') {
      return policy === undefined ? attempts < cutAttemptsMax : isWithinPolicy && policy.onReset
    }
    // A timed-out attempt stands for the 504 that it would become.
    return code === 'backend_timeout' && isWithinPolicy && policy.statuses.includes(504)
  }
  if (!isWithinPolicy) return false
  // Methods of gRPC are all POST: who names statuses of gRPC knows which calls may be repeated.
  if (attempt.grpcStatus > 0 && policy.grpcStatuses?.includes(attempt.grpcStatus)) return true
  return policy.statuses.includes(status) && isIdempotent(attempt.method, attempt.hasKey)
}

/**
 * A reused connection that the other side closed before a byte of the answer: the usual race of keep-alive. RFC 9112
 * section 9.3.1 lets a client send an idempotent request again by itself then, policy or not; once is enough, on a
 * fresh connection.
 */
export function mayResendAfterIdleClose(
  attempt: Pick<EndedAttempt, 'method' | 'hasKey' | 'isBodyReplayable' | 'attempts'>,
): boolean {
  return (
    attempt.isBodyReplayable && attempt.attempts < unsentAttemptsMax && isIdempotent(attempt.method, attempt.hasKey)
  )
}

/** Codes of an attempt that another endpoint may mend; the other unsent codes would come back the same. */
function isElsewherePossible(code: ErrorCodeName): boolean {
  return errorCodes[code].isUnsent && elsewhere.has(code)
}

const elsewhere: ReadonlySet<ErrorCodeName> = new Set([
  'upstream_connect_failed',
  'upstream_connect_timeout',
  'upstream_overflow',
  'upstream_tls_failed',
  'upstream_tls_untrusted',
  'upstream_refused',
  'draining',
  'misdirected',
  'config_missing',
])

/** Longest wait before a retry by default, ms: Envoy's base interval of 25 (`retry_back_off`), doubled each time up to tenfold. */
export function retryBackoff(policy: RetryPolicy | undefined): { initialMs: number; maxMs: number } {
  const initialMs = policy !== undefined && policy.backoffMs > 0 ? policy.backoffMs : 25
  return { initialMs, maxMs: initialMs * 10 }
}
