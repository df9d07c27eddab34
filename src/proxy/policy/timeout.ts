/** How long a request and each of its attempts may take (Gateway API `timeouts`, GEP-1742). */
import type { ForwardAction } from '#/model/route.ts'

/** ms; 0 for no limit. */
export interface Timeouts {
  requestMs: number
  attemptMs: number
}

/**
 * An upgraded connection (WebSocket) lives as long as its ends like: the timeouts then count only until the answer's head,
 * which the caller sees to by stopping them there.
 * @param askedMs what a gRPC client allows (`grpc-timeout`), 0 for no limit: the shorter of the two counts.
 */
export function resolveTimeouts({ timeoutMs, retry }: ForwardAction, askedMs: number): Timeouts {
  const requestMs = askedMs > 0 && (timeoutMs === 0 || askedMs < timeoutMs) ? askedMs : timeoutMs
  return { requestMs, attemptMs: retry?.attemptTimeoutMs ?? 0 }
}

/**
 * The time that the next attempt has: its own limit or what is left of the request's, whichever is shorter.
 * @param elapsedMs since the request began.
 * @returns ms above 0, 0 for no limit, -1 when the request's time is over.
 */
export function attemptTimeoutMs({ requestMs, attemptMs }: Timeouts, elapsedMs: number): number {
  if (requestMs === 0) return attemptMs
  const leftMs = requestMs - elapsedMs
  if (leftMs <= 0) return -1
  return attemptMs > 0 && attemptMs < leftMs ? attemptMs : leftMs
}
