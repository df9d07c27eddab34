/** What is wrong with bytes that are no message. */
import type { ErrorCodeName } from '#/std/errors.ts'

/** Thrown by the parsers, caught by the connections: the first becomes an answer, the second a log line. */
export class FramingFault extends Error {
  readonly code: ErrorCodeName

  constructor(code: ErrorCodeName, detail: string) {
    super(detail)
    this.name = 'FramingFault'
    this.code = code
  }
}

/** A request that RFC 9112 does not allow. */
export function badRequest(detail: string): FramingFault {
  return new FramingFault('bad_request', detail)
}
