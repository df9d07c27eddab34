/**
 * Buffers outside the heap for bytes in bulk, used again and again: V8 frees one only with a collection, counts it against
 * the heap till then (measured: 100 KB bodies spent a quarter of their time in mark-compact), and the system has to fault in
 * the pages of a new one. Who takes a block alone knows when it is free; one that is never given back is only garbage.
 */

/** A sixteenth above a power of two, so that a full read has room for the heads and frame headers that go with it. */
const unitBytes = 17
/** 8.5 KB to 272 KB, in doubles. */
const classMin = 9
const classMax = 14
/** All that lies here unused, bytes. */
const freeBytesMax = 4 * 1024 * 1024

export const blockBytesMax = unitBytes << classMax

/** The memory of all blocks, in use or not. */
const memories = new WeakSet<ArrayBufferLike>()
const free: Buffer[][] = Array.from({ length: classMax + 1 }, () => [])
let freeBytes = 0

/** @returns one of at least so many bytes, with anything in it. Beyond `blockBytesMax` it is made, and not kept later. */
export function takeBlock(bytes: number): Buffer {
  if (bytes > blockBytesMax) return Buffer.allocUnsafeSlow(bytes)
  const size = sizeClass(bytes)
  const block = free[size]!.pop()
  if (block === undefined) return makeBlock(unitBytes << size)
  freeBytes -= block.length
  return block
}

function makeBlock(bytes: number): Buffer {
  const block = Buffer.allocUnsafeSlow(bytes)
  memories.add(block.buffer)
  return block
}

/** The chunk lies in a block, whose owner may write something else there later. */
export function isInBlock(chunk: Uint8Array): boolean {
  return memories.has(chunk.buffer)
}

/** @param block whole, as it was taken; nobody reads or writes it any more. */
export function giveBlock(block: Buffer): void {
  if (block.length > blockBytesMax || freeBytes + block.length > freeBytesMax) return
  freeBytes += block.length
  free[sizeClass(block.length)]!.push(block)
}

function sizeClass(bytes: number): number {
  let size = classMin
  while (unitBytes << size < bytes) size++
  return size
}
