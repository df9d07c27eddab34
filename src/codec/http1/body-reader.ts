/**
 * Where a body ends. Fed with bytes, it hands on the body's own and says how many it took; the rest belongs to the next
 * message. Bytes are read in place; of chunk sizes only the number is kept, and of trailers the line that has begun.
 */
import type { HeaderList } from '../message.ts'
import { ChunkExtension } from './chunk-extension.ts'
import { badMessage } from './fault.ts'
import type { Http1Limits } from './limits.ts'
import { TrailerReader } from './trailer-reader.ts'

export interface BodyTarget {
  onBodyData(chunk: Uint8Array): void
  onBodyEnd(trailers: HeaderList | undefined): void
}

/** For a body that is read only to find its end. */
export const nobody: BodyTarget = { onBodyData: () => undefined, onBodyEnd: () => undefined }

/**
 *   fixed ───────────────────────────────────────────────────────────▶ done
 *   size ─▶ (extension) ─▶ size-lf ─▶ data ─▶ data-cr ─▶ data-lf ─▶ size …
 *                             └─ size 0 ─▶ trailers ────────────────▶ done
 *   close: until the connection ends
 */
type State = 'done' | 'fixed' | 'close' | 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailers'

/** 52 bits, which a number holds. */
const sizeDigitsMax = 13

export class BodyReader {
  readonly #limits: Http1Limits
  #state: State = 'done'
  #remaining = 0
  /** Something of the body has come. */
  hasBegun = false
  #digits = 0
  /** Made with the first of each. */
  #extension: ChunkExtension | undefined
  #trailers: TrailerReader | undefined

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

  /** Bytes that are certain to come yet. */
  get remaining(): number {
    return this.#state === 'done' ? 0 : this.#remaining
  }

  startFixed(length: number): void {
    this.hasBegun = false
    this.#state = length === 0 ? 'done' : 'fixed'
    this.#remaining = length
  }

  startChunked(): void {
    this.hasBegun = false
    this.#state = 'size'
    this.#remaining = 0
    this.#digits = 0
    this.#extension = undefined
    this.#trailers = undefined
  }

  startUntilClose(): void {
    this.hasBegun = false
    this.#state = 'close'
  }

  /** Nobody wants the rest: the target is not called any more. */
  stop(): void {
    this.#state = 'done'
  }

  /**
   * Takes bytes from `start`, tells the target. @returns the position after the last byte taken.
   * @throws FramingFault
   */
  read(chunk: Buffer, start: number, target: BodyTarget): number {
    this.hasBegun = true
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
          this.#readDigit(chunk[position++]!)
          break
        case 'extension':
          if (this.#extension!.read(chunk[position++]!)) this.#state = 'size-lf'
          break
        case 'size-lf':
          if (chunk[position++] !== 0x0a) throw badMessage('a bare CR stands in a chunk-size line')
          this.#state = this.#remaining === 0 ? 'trailers' : 'data'
          break
        case 'data-cr':
          this.#readDataEnd(chunk[position++]!)
          break
        case 'data-lf':
          if (chunk[position++] !== 0x0a) throw badMessage('a chunk is longer than its size')
          this.#state = 'size'
          this.#digits = 0
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
    const state = this.#state
    if (state === 'data' && this.#remaining === 0) this.#state = 'data-cr'
    target.onBodyData(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end))
    // Still so: the target may have stopped us.
    if (this.#state === 'fixed' && this.#remaining === 0) {
      this.#state = 'done'
      target.onBodyEnd(undefined)
    }
    return end
  }

  /** RFC 9112 section 7.1: no sign, no space, no `0x`. */
  #readDigit(code: number): void {
    const digit = hexDigit(code)
    if (digit >= 0) {
      if (++this.#digits > sizeDigitsMax) throw badMessage(`a chunk size has more than ${sizeDigitsMax} digits`)
      this.#remaining = this.#digits === 1 ? digit : this.#remaining * 16 + digit
    } else if (this.#digits > 0 && code === 0x0d) {
      this.#state = 'size-lf'
    } else if (this.#digits > 0 && code === 0x3b) {
      this.#extension ??= new ChunkExtension(this.#limits.chunkExtensionBytesMax)
      this.#extension.begin()
      this.#state = 'extension'
    } else if (code === 0x0a) {
      throw badMessage('a chunk-size line ends in a bare LF')
    } else {
      throw badMessage('a chunk size is not a hexadecimal number')
    }
  }

  #readDataEnd(code: number): void {
    if (code === 0x0a) throw badMessage('a chunk ends in a bare LF')
    if (code !== 0x0d) throw badMessage('a chunk is longer than its size')
    this.#state = 'data-lf'
  }

  #readTrailers(chunk: Buffer, start: number, target: BodyTarget): number {
    this.#trailers ??= new TrailerReader(this.#limits)
    const next = this.#trailers.read(chunk, start)
    if (this.#trailers.isDone) {
      this.#state = 'done'
      target.onBodyEnd(this.#trailers.trailers)
    }
    return next
  }
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const lower = code | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}
