/** A header block on its way in: HEADERS and what CONTINUATION frames add (RFC 9113 section 4.3). */
import { errorCodes, flags, Http2Fault } from './frame.ts'
import type { Http2Limits } from './limits.ts'

export class HeaderBlock {
  readonly #limits: Http2Limits
  #parts: Buffer[] = []
  #bytes = 0
  #count = 0
  streamId = 0
  isEnd = false

  constructor(limits: Http2Limits) {
    this.#limits = limits
  }

  /** More frames of it must come, and nothing else may. */
  get isOpen(): boolean {
    return this.streamId !== 0
  }

  /** @returns the whole block when it came in one frame; undefined when CONTINUATION follows. */
  begin(streamId: number, frameFlags: number, payload: Buffer): Buffer | undefined {
    this.isEnd = (frameFlags & flags.endStream) !== 0
    if (frameFlags & flags.endHeaders) return payload
    this.streamId = streamId
    this.#add(payload)
    return undefined
  }

  /** @returns the whole block with its last frame. @throws Http2Fault for a flood of frames, or a block that is too long. */
  continue(streamId: number, frameFlags: number, payload: Buffer): Buffer | undefined {
    if (streamId !== this.streamId) throw new Http2Fault(errorCodes.protocolError, 'CONTINUATION of another stream')
    if (++this.#count > this.#limits.continuationCountMax) {
      throw new Http2Fault(
        errorCodes.enhanceYourCalm,
        `more than ${this.#limits.continuationCountMax} CONTINUATION frames`,
      )
    }
    this.#add(payload)
    if ((frameFlags & flags.endHeaders) === 0) return undefined
    const block = Buffer.concat(this.#parts)
    this.#parts = []
    this.#bytes = 0
    this.#count = 0
    this.streamId = 0
    return block
  }

  #add(payload: Buffer): void {
    this.#bytes += payload.length
    if (this.#bytes > this.#limits.headerBytesMax) {
      throw new Http2Fault(
        errorCodes.enhanceYourCalm,
        `a header block of more than ${this.#limits.headerBytesMax} bytes`,
      )
    }
    this.#parts.push(Buffer.from(payload))
  }
}
