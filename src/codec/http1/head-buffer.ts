/** Collects the bytes of a head until it is whole, with the limits that keep a peer from making us hold too much. */
import { badRequest, FramingFault } from './fault.ts'
import type { Http1Limits } from './limits.ts'

const headEnd = Buffer.from('\r\n\r\n')

export class HeadBuffer {
  readonly #limits: Http1Limits
  #partial: Buffer | undefined
  /** Text of the head that came whole last, without its empty line; position behind it in the chunk. */
  text = ''
  next = 0

  constructor(limits: Http1Limits) {
    this.#limits = limits
  }

  /** Bytes of a head that has begun are waiting. */
  get hasPartial(): boolean {
    return this.#partial !== undefined
  }

  /** Takes bytes from `start`; true when a head is whole: then read `text` and `next`. @throws FramingFault past a limit. */
  take(chunk: Buffer, start: number): boolean {
    const held = this.#partial
    if (held === undefined) {
      const begin = skipEmptyLine(chunk, start)
      const end = chunk.indexOf(headEnd, begin)
      if (end >= 0) {
        this.#check(end - begin)
        this.text = chunk.toString('latin1', begin, end)
        this.next = end + 4
        return true
      }
      this.#partial = Buffer.from(chunk.subarray(begin))
    } else {
      const joined = Buffer.concat([held, chunk.subarray(start)])
      const begin = skipEmptyLine(joined, 0)
      const end = joined.indexOf(headEnd, Math.max(begin, held.length - 3))
      if (end >= 0) {
        this.#partial = undefined
        this.#check(end - begin)
        this.text = joined.toString('latin1', begin, end)
        this.next = end + 4 - held.length + start
        return true
      }
      this.#partial = joined
    }
    this.#checkPartial(this.#partial)
    if (this.#partial.length === 0) this.#partial = undefined
    return false
  }

  #check(bytes: number): void {
    if (bytes > this.#limits.headerBytesMax) {
      throw new FramingFault('request_headers_too_large', `a head of more than ${this.#limits.headerBytesMax} bytes`)
    }
  }

  #checkPartial(partial: Buffer): void {
    const lineEnd = partial.indexOf('\r\n')
    if ((lineEnd < 0 ? partial.length : lineEnd) > this.#limits.requestLineBytesMax) {
      throw new FramingFault(
        'request_line_too_long',
        `a first line of more than ${this.#limits.requestLineBytesMax} bytes`,
      )
    }
    this.#check(partial.length)
    const lineFeed = partial.indexOf(0x0a)
    if (lineFeed === 0 || (lineFeed > 0 && partial[lineFeed - 1] !== 0x0d)) throw badRequest('a line ends in a bare LF')
  }
}

/** A client may send an empty line before a request (RFC 9112 section 2.2); one is enough. */
function skipEmptyLine(chunk: Buffer, start: number): number {
  return chunk[start] === 0x0d && chunk[start + 1] === 0x0a ? start + 2 : start
}
