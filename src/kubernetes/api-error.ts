/** Why the Kubernetes API did not do what it was asked: its own words where it has some. */

/** `0` when there was no answer at all. */
export type ApiStatus = number

interface StatusBody {
  kind?: string
  code?: number
  reason?: string
  message?: string
  details?: { retryAfterSeconds?: number }
}

export interface ApiErrorOptions {
  status: ApiStatus
  /** Kubernetes' reason: `Forbidden`, `Conflict`, `Expired`; empty when it gave none. */
  reason?: string
  /** How long the server wants to be left alone, ms. */
  retryAfterMs?: number
}

export class ApiError extends Error {
  readonly status: ApiStatus
  readonly reason: string
  readonly retryAfterMs: number

  constructor(message: string, { status, reason = '', retryAfterMs = 0 }: ApiErrorOptions) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }

  /** The history that was asked for is gone: list anew (API concepts, "410 Gone responses"). */
  get isExpired(): boolean {
    return this.status === 410
  }

  get isNotFound(): boolean {
    return this.status === 404
  }

  /** Somebody else wrote first. */
  get isConflict(): boolean {
    return this.status === 409
  }
}

/** What failed, as an error: `what` is the request as a person would say it (`list pods`). */
export function apiError(
  what: string,
  answer: { status: number; body: string; retryAfter?: string | undefined },
): ApiError {
  const said = statusOf(answer.body)
  const { reason = '', message, details } = said
  const seconds = details?.retryAfterSeconds ?? Number(answer.retryAfter ?? 0)
  return new ApiError(`${what}: ${message ?? `the API server answered ${answer.status}`}`, {
    status: answer.status,
    reason,
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : 0,
  })
}

/** The error of a watch comes as an event that holds a Status. */
export function watchError(what: string, status: unknown): ApiError {
  const { code = 0, reason = '', message = 'the watch failed' } = (status ?? {}) as StatusBody
  return new ApiError(`${what}: ${message}`, { status: code, reason })
}

function statusOf(body: string): StatusBody {
  if (!body.startsWith('{')) return {}
  try {
    const value: StatusBody = JSON.parse(body)
    return value.kind === 'Status' ? value : {}
  } catch {
    // A proxy in between answered with something that only begins like JSON: its status code says enough.
    return {}
  }
}
