/** Bytes that wait, copied into blocks: short pieces together in one, so that a body in many of them takes little more than its size. */
import { giveBlock, takeBlock } from './block-pool.ts'

/** A block has room for as much as waits already, within these, bytes. */
const blockBytesMin = 8192
const blockBytesAim = 65_536

export class ByteQueue {
  readonly #blocks: Buffer[] = []
  /** Where the bytes of each block end. */
  readonly #ends: number[] = []
  /** Where those of the first block begin. */
  #from = 0
  #length = 0

  /** Bytes that wait. */
  get length(): number {
    return this.#length
  }

  append(chunk: Uint8Array, from = 0): void {
    const length = chunk.length - from
    const last = this.#blocks.length - 1
    const bytes = from === 0 ? chunk : chunk.subarray(from)
    if (last >= 0 && this.#ends[last]! + length <= this.#blocks[last]!.length) {
      this.#blocks[last]!.set(bytes, this.#ends[last]!)
      this.#ends[last] = this.#ends[last]! + length
    } else {
      const block = takeBlock(Math.max(length, blockBytesMin, Math.min(this.#length, blockBytesAim)))
      block.set(bytes)
      this.#blocks.push(block)
      this.#ends.push(length)
    }
    this.#length += length
  }

  /** The first bytes lie in `first` from `from` to `to`; there are to be some. */
  get first(): Buffer {
    return this.#blocks[0]!
  }

  get from(): number {
    return this.#from
  }

  get to(): number {
    return this.#ends[0]!
  }

  /** Those up to there, not beyond `to`, have been read. */
  readTo(position: number): void {
    this.#length -= position - this.#from
    this.#from = position
    if (position === this.#ends[0]) giveBlock(this.#removeFirst())
  }

  /** Removes all of `first`, which is the caller's then, who gives it back to the pool. */
  takeFirst(): Buffer {
    this.#length -= this.#ends[0]! - this.#from
    return this.#removeFirst()
  }

  #removeFirst(): Buffer {
    this.#from = 0
    this.#ends.shift()
    return this.#blocks.shift()!
  }

  /** Nobody wants them any more. */
  clear(): void {
    for (const block of this.#blocks) giveBlock(block)
    this.#blocks.length = 0
    this.#ends.length = 0
    this.#from = 0
    this.#length = 0
  }
}
