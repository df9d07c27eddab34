/**
 * The fields after a chunked body. What would change framing, routing, authentication or the meaning of the content is
 * dropped (RFC 9110 section 6.5.1), for a reader that merges trailers into the head would take it for true.
 */
import type { HeaderList } from '../message.ts'
import { badMessage, FramingFault } from './fault.ts'
import { parseField } from './field.ts'
import type { Http1Limits } from './limits.ts'

/** Besides those that framing drops everywhere (field.ts). */
const forbiddenTrailers = new Set([
  'age',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-location',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'expires',
  'forwarded',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'location',
  'max-forwards',
  'pragma',
  'proxy-authenticate',
  'proxy-authorization',
  'range',
  'retry-after',
  'set-cookie',
  'te',
  'vary',
  'www-authenticate',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
])

export class TrailerReader {
  readonly #limits: Http1Limits
  #line = ''
  #bytes = 0
  #count = 0
  isDone = false
  /** Undefined when there are none. */
  trailers: HeaderList | undefined

  constructor(limits: Http1Limits) {
    this.#limits = limits
  }

  /** Takes bytes up to the end of a line. @returns the position after them. @throws FramingFault */
  read(chunk: Buffer, start: number): number {
    const lineFeed = chunk.indexOf(0x0a, start)
    const end = lineFeed < 0 ? chunk.length : lineFeed + 1
    const bytesLeft = this.#limits.headerBytesMax - this.#bytes
    if (end - start > bytesLeft) {
      throw new FramingFault('request_headers_too_large', `trailers of more than ${this.#limits.headerBytesMax} bytes`)
    }
    this.#bytes += end - start
    this.#line += chunk.toString('latin1', start, end)
    if (lineFeed >= 0) this.#readLine()
    return end
  }

  #readLine(): void {
    const line = this.#line
    this.#line = ''
    if (line.charCodeAt(line.length - 2) !== 0x0d) throw badMessage('a trailer line ends in a bare LF')
    if (line.length === 2) {
      this.isDone = true
      return
    }
    if (++this.#count > this.#limits.headerCountMax) {
      throw new FramingFault('request_headers_too_large', `more than ${this.#limits.headerCountMax} trailer fields`)
    }
    const { name, value, role } = parseField(line, 0, line.length - 2)
    if (role !== 'plain' || forbiddenTrailers.has(name)) return
    this.trailers ??= []
    this.trailers.push(name, value)
  }
}
