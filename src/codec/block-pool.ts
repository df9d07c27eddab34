/**
 * Buffers outside the heap for bytes in bulk, used again and again. V8 frees one only with a collection and counts it against
 * the heap till then (measured: 100 KB bodies spent a quarter of their time in mark-compact), and the system faults in the pages
 * of a new one (measured: up to 1 µs a KB, 50 times the copy into one that is warm). Who takes a block alone knows when it is
 * free; one that is never given back is only garbage.
 */

/** A sixteenth above a power of two, so that a full read has room for the heads and frame headers that go with it. */
const unitBytes = 17
/** 8.5 KB to 544 KB, in doubles. */
const classMin = 9
const classMax = 15
export const blockBytesMax = unitBytes << classMax

/** The memory of all blocks, in use or not. */
const memories = new WeakSet<ArrayBufferLike>()

export interface BlockPoolOptions {
  /** All that lies unused, bytes. */
  freeBytesMax: number
  /** What nobody wanted for so long goes back to the system. */
  trimMs: number
  /** Of the largest, `tryTakeLargest` gives so many at a time. */
  largestMax: number
}

export class BlockPool {
  readonly #options: BlockPoolOptions
  readonly #free: Buffer[][] = Array.from({ length: classMax + 1 }, () => [])
  #freeBytes = 0
  #largestOut = 0
  /** The least that was free since the last trim. */
  #unwantedBytes = 0
  #isTrimDue = false

  constructor(options: BlockPoolOptions) {
    this.#options = options
  }

  /** One of the largest, unless too many of those are out. */
  tryTakeLargest(): Buffer | undefined {
    return this.#largestOut < this.#options.largestMax ? this.take(blockBytesMax) : undefined
  }

  take(bytes: number): Buffer {
    if (bytes > blockBytesMax) return Buffer.allocUnsafeSlow(bytes)
    const size = sizeClass(bytes)
    if (size === classMax) this.#largestOut++
    const block = this.#free[size]!.pop()
    if (block === undefined) return makeBlock(unitBytes << size)
    this.#freeBytes -= block.length
    if (this.#freeBytes < this.#unwantedBytes) this.#unwantedBytes = this.#freeBytes
    return block
  }

  give(block: Buffer): void {
    if (block.length > blockBytesMax) return
    if (block.length === blockBytesMax) this.#largestOut--
    if (this.#freeBytes + block.length > this.#options.freeBytesMax) {
      release(block)
      return
    }
    this.#freeBytes += block.length
    this.#free[sizeClass(block.length)]!.push(block)
    if (!this.#isTrimDue) this.#trimLater(0)
  }

  #trimLater(unwantedBytes: number): void {
    this.#isTrimDue = true
    this.#unwantedBytes = unwantedBytes
    setTimeout(() => this.#trim(), this.#options.trimMs).unref()
  }

  #trim(): void {
    for (let size = classMax; size >= classMin; size--) {
      for (const blocks = this.#free[size]!; blocks.length > 0 && this.#unwantedBytes > 0; ) {
        const block = blocks.pop()!
        this.#freeBytes -= block.length
        this.#unwantedBytes -= block.length
        release(block)
      }
    }
    this.#isTrimDue = false
    if (this.#freeBytes > 0) this.#trimLater(this.#freeBytes)
  }
}

/** All connections share it. */
const pool = new BlockPool({ freeBytesMax: 8 * 1024 * 1024, trimMs: 5000, largestMax: 16 })

/** @returns one of at least so many bytes, with anything in it. Beyond `blockBytesMax` it is made, and not kept later. */
export function takeBlock(bytes: number): Buffer {
  return pool.take(bytes)
}

/** @returns one of `blockBytesMax`; nothing while many of those are in use. Each has to come back. */
export function tryTakeLargestBlock(): Buffer | undefined {
  return pool.tryTakeLargest()
}

/** @param block whole, as it was taken; nobody reads or writes it any more. */
export function giveBlock(block: Buffer): void {
  pool.give(block)
}

/** The chunk lies in a block, whose owner may write something else there later. */
export function isInBlock(chunk: Uint8Array): boolean {
  return memories.has(chunk.buffer)
}

function makeBlock(bytes: number): Buffer {
  const block = Buffer.allocUnsafeSlow(bytes)
  memories.add(block.buffer)
  return block
}

/** At once: the collector would come for it only when 64 MB lie about. */
function release(block: Buffer): void {
  ;(block.buffer as ArrayBuffer).transfer(0)
}

function sizeClass(bytes: number): number {
  let size = classMin
  while (unitBytes << size < bytes) size++
  return size
}
