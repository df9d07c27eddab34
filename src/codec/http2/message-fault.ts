/** A message that RFC 9113 section 8.1.1 calls malformed, or that is more than we take: it costs its stream alone. */
import type { ErrorCodeName } from '#/std/errors.ts'

export class MessageFault extends Error {
  readonly code: ErrorCodeName

  constructor(code: ErrorCodeName, detail: string) {
    super(detail)
    this.name = 'MessageFault'
    this.code = code
  }
}

export function malformed(detail: string): MessageFault {
  return new MessageFault('bad_request', detail)
}
