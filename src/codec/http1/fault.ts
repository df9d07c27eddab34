/** What is wrong with bytes that are no message, and with messages that can't become bytes. */
import type { ErrorCodeName } from '#/std/errors.ts'

/** Thrown by the parsers, caught by the connections: the client's becomes an answer, the endpoint's a reset. */
export class FramingFault extends Error {
  readonly code: ErrorCodeName

  constructor(code: ErrorCodeName, detail: string) {
    super(detail)
    this.name = 'FramingFault'
    this.code = code
  }
}

/** A message that RFC 9112 does not allow. */
export function badMessage(detail: string): FramingFault {
  return new FramingFault('bad_request', detail)
}

/** Thrown by whoever writes a head or trailers that would be read as something else. Nothing of it was written. */
export class UnwritableMessage extends Error {
  constructor(detail: string) {
    super(detail)
    this.name = 'UnwritableMessage'
  }
}

/** For the log: a mistake of ours with its place in the code. */
export function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

export function lateHead(limitMs: number): FramingFault {
  return new FramingFault('request_header_timeout', `no whole head in ${limitMs} ms`)
}

export function lateBody(limitMs: number): FramingFault {
  return new FramingFault('client_stalled', `no byte of the body in ${limitMs} ms`)
}
