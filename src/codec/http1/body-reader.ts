/**
 * Where a body ends. Fed with bytes, it hands on the body's own and says how many it took; the rest belongs to the next
 * message. Chunk extensions are dropped (RFC 9112 section 7.1.1), and trailers that would change framing or routing.
 */
import type { HeaderList } from '../message.ts'
import { badRequest, FramingFault } from './fault.ts'
import { parseField } from './field.ts'
import type { Http1Limits } from './limits.ts'
import { forbiddenInHead } from './syntax.ts'

export interface BodyTarget {
  onBodyData(chunk: Uint8Array): void
  onBodyEnd(trailers: HeaderList | undefined): void
}

/**
 *   fixed ─────────────────────────────▶ done
 *   size ──▶ data ──▶ data-end ──▶ size … size(0) ──▶ trailers ──▶ done
 *   close: until the connection ends
 */
type State = 'done' | 'fixed' | 'close' | 'size' | 'data' | 'data-end' | 'trailers'

/** Fields that no trailer may carry (RFC 9110 section 6.5.1). */
const forbiddenTrailers = new Set([
  'authorization',
  'cookie',
  'set-cookie',
  'content-type',
  'content-encoding',
  'content-range',
  'cache-control',
  'max-forwards',
])

export class BodyReader {
  readonly #limits: Http1Limits
  #state: State = 'done'
  #remaining = 0
  /** A chunk-size line or trailers that have not come whole. */
  #partial = ''

  constructor(limits: Http1Limits) {
    this.#limits = limits
  }

  get isDone(): boolean {
    return this.#state === 'done'
  }

  /** The body ends with the connection. */
  get isUntilClose(): boolean {
    return this.#state === 'close'
  }

  startFixed(length: number): void {
    this.#state = length === 0 ? 'done' : 'fixed'
    this.#remaining = length
  }

  startChunked(): void {
    this.#state = 'size'
    this.#partial = ''
  }

  startUntilClose(): void {
    this.#state = 'close'
  }

  /**
   * Takes bytes from `start`, tells the target. @returns the position after the last byte taken.
   * @throws FramingFault
   */
  read(chunk: Buffer, start: number, target: BodyTarget): number {
    let position = start
    while (position < chunk.length && this.#state !== 'done') {
      switch (this.#state) {
        case 'fixed':
        case 'data':
          position = this.#readData(chunk, position, target)
          break
        case 'close':
          target.onBodyData(position === 0 ? chunk : chunk.subarray(position))
          return chunk.length
        case 'size':
          position = this.#readSize(chunk, position)
          break
        case 'data-end':
          position = this.#readDataEnd(chunk, position)
          break
        case 'trailers':
          position = this.#readTrailers(chunk, position, target)
          break
      }
    }
    return position
  }

  #readData(chunk: Buffer, start: number, target: BodyTarget): number {
    const end = Math.min(chunk.length, start + this.#remaining)
    this.#remaining -= end - start
    const isFixed = this.#state === 'fixed'
    if (this.#remaining === 0) this.#state = isFixed ? 'done' : 'data-end'
    target.onBodyData(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end))
    if (isFixed && this.#remaining === 0) target.onBodyEnd(undefined)
    return end
  }

  /** Up to and including the next LF, joined to what had come before; undefined when the line is not whole yet. */
  #readLine(chunk: Buffer, start: number, bytesMax: number, what: string): { line: string; next: number } | undefined {
    const lineFeed = chunk.indexOf(0x0a, start)
    const end = lineFeed < 0 ? chunk.length : lineFeed + 1
    if (this.#partial.length + end - start > bytesMax) throw badRequest(`${what} is longer than ${bytesMax} bytes`)
    this.#partial += chunk.toString('latin1', start, end)
    if (lineFeed < 0) return undefined
    const line = this.#partial
    if (line.charCodeAt(line.length - 2) !== 0x0d) throw badRequest(`${what} ends in a bare LF`)
    this.#partial = ''
    return { line: line.slice(0, -2), next: end }
  }

  #readSize(chunk: Buffer, start: number): number {
    const read = this.#readLine(chunk, start, this.#limits.chunkLineBytesMax, 'a chunk-size line')
    if (!read) return chunk.length
    const { line, next } = read
    if (forbiddenInHead.test(line)) throw badRequest('a control character stands in a chunk-size line')
    const match = /^([0-9A-Fa-f]{1,13})(?:[ \t]*;.*)?$/.exec(line)
    if (!match) throw badRequest('a chunk size is not a hexadecimal number of at most 13 digits')
    this.#remaining = Number.parseInt(match[1]!, 16)
    this.#state = this.#remaining === 0 ? 'trailers' : 'data'
    return next
  }

  #readDataEnd(chunk: Buffer, start: number): number {
    const read = this.#readLine(chunk, start, 2, 'the end of a chunk')
    if (!read) return chunk.length
    if (read.line !== '') throw badRequest('a chunk is longer than its size')
    this.#state = 'size'
    return read.next
  }

  #trailerText = ''

  #readTrailers(chunk: Buffer, start: number, target: BodyTarget): number {
    const read = this.#readLine(chunk, start, this.#limits.headerBytesMax, 'a trailer line')
    if (!read) return chunk.length
    if (read.line !== '') {
      this.#trailerText += `${read.line}\r\n`
      if (this.#trailerText.length > this.#limits.headerBytesMax) {
        throw new FramingFault(
          'request_headers_too_large',
          `trailers of more than ${this.#limits.headerBytesMax} bytes`,
        )
      }
      return read.next
    }
    const trailers = this.#trailerText === '' ? undefined : parseTrailers(this.#trailerText)
    this.#trailerText = ''
    this.#state = 'done'
    target.onBodyEnd(trailers)
    return read.next
  }
}

function parseTrailers(text: string): HeaderList {
  if (forbiddenInHead.test(text)) throw badRequest('a control character, a bare CR or a bare LF stands in the trailers')
  const trailers: HeaderList = []
  for (const line of text.slice(0, -2).split('\r\n')) {
    const { name, value, role } = parseField(line)
    if (role === 'plain' && !forbiddenTrailers.has(name)) trailers.push(name, value)
  }
  return trailers
}
