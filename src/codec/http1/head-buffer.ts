/** Collects the bytes of a head until it is whole, with the limits that keep a peer from making us hold too much. */
import { FramingFault } from './fault.ts'
import type { Http1Limits } from './limits.ts'

const carriageReturn = 0x0d
const lineFeed = 0x0a
const headEnd = Buffer.from('\r\n\r\n')
const nothing = Buffer.alloc(0)
/** A larger buffer is given back after the head that needed it. */
const keptBytesMax = 4096

/**
 * Most heads come whole in one chunk and are read in place. Of others the part that came is held, in a buffer that doubles,
 * and searched from where the last search ended: a client that sends byte by byte costs no more than its bytes.
 */
export class HeadBuffer {
  readonly #limits: Http1Limits
  readonly #maySkipLine: boolean
  #held = nothing
  #used = 0
  #searched = 0
  #lineStart = 0
  #hasSkippedLine = false
  /** Text of the head that came last, without its empty line; or up to a bare LF, which its parser will refuse. */
  text = ''
  /** Position behind that head in the chunk. */
  next = 0

  /** @param options.maySkipLine an empty line before a head is passed over: a client may send one (RFC 9112 section 2.2). */
  constructor(options: { limits: Http1Limits; maySkipLine: boolean }) {
    this.#limits = options.limits
    this.#maySkipLine = options.maySkipLine
  }

  /** Bytes of a head that has begun are waiting. */
  get hasPartial(): boolean {
    return this.#used > 0
  }

  /** Takes bytes from `start`; true when a head is there: then read `text` and `next`. @throws FramingFault past a limit. */
  take(chunk: Buffer, start: number): boolean {
    if (this.#used > 0) return this.#takeMore(chunk, start)
    let begin = start
    if (
      this.#maySkipLine &&
      chunk[start] === carriageReturn &&
      chunk[start + 1] === lineFeed &&
      !this.#hasSkippedLine
    ) {
      this.#hasSkippedLine = true
      begin += 2
    }
    const end = chunk.indexOf(headEnd, begin)
    if (end < 0 || end - begin > this.#limits.headerBytesMax) return this.#takeMore(chunk, begin)
    this.text = chunk.toString('latin1', begin, end)
    this.next = end + 4
    this.#hasSkippedLine = false
    return true
  }

  #takeMore(chunk: Buffer, begin: number): boolean {
    const bytesMax = this.#limits.headerBytesMax + headEnd.length
    const before = this.#used
    this.#append(chunk, begin, Math.min(chunk.length, begin + bytesMax - before))
    if (this.#search(before - begin)) return true
    if (this.#lineStart === 0 && this.#used > this.#limits.requestLineBytesMax + 1) {
      const { requestLineBytesMax } = this.#limits
      throw new FramingFault('request_line_too_long', `a first line of more than ${requestLineBytesMax} bytes`)
    }
    if (this.#used >= bytesMax) {
      throw new FramingFault('request_headers_too_large', `a head of more than ${this.#limits.headerBytesMax} bytes`)
    }
    return false
  }

  /** @param offset from a position in the chunk to the one in the held bytes. */
  #search(offset: number): boolean {
    let shift = offset
    for (;;) {
      const at = this.#held.indexOf(lineFeed, this.#searched)
      if (at < 0 || at >= this.#used) break
      this.#searched = at + 1
      if (at === 0 || this.#held[at - 1] !== carriageReturn) return this.#finish(at + 1, at + 1 - shift)
      if (at - 1 > this.#lineStart) {
        this.#lineStart = at + 1
      } else if (this.#lineStart > 0 || !this.#maySkipLine || this.#hasSkippedLine) {
        return this.#finish(Math.max(0, this.#lineStart - 2), at + 1 - shift)
      } else {
        this.#hasSkippedLine = true
        this.#held.copyWithin(0, 2, this.#used)
        this.#used -= 2
        this.#searched = 0
        shift -= 2
      }
    }
    this.#searched = this.#used
    return false
  }

  #finish(textEnd: number, next: number): boolean {
    this.text = this.#held.toString('latin1', 0, textEnd)
    this.next = next
    this.#used = 0
    this.#searched = 0
    this.#lineStart = 0
    this.#hasSkippedLine = false
    if (this.#held.length > keptBytesMax) this.#held = nothing
    return true
  }

  #append(chunk: Buffer, start: number, end: number): void {
    const needed = this.#used + end - start
    if (needed > this.#held.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(512, needed, this.#held.length * 2))
      this.#held.copy(grown, 0, 0, this.#used)
      this.#held = grown
    }
    chunk.copy(this.#held, this.#used, start, end)
    this.#used = needed
  }
}
