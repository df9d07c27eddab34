/**
 * The way out of an HTTP/2 connection: frames are written straight into one block, which leaves in one write a turn of the
 * event loop (measured: half the processor time of a write a frame). It begins small, since most turns have little to say to
 * most connections, and grows with what comes.
 */

import type { Socket } from 'node:net'
import { giveBlock, takeBlock } from '../block-pool.ts'
import { BlockWriter } from '../block-writer.ts'
import { shorten } from '../message.ts'
import { errorCodes, flags, frameHeaderBytes, frameTypes, Http2Fault } from './frame.ts'

export interface Http2OutputOwner {
  /** There is room again after `isFull`. */
  onWritable(): void
  /** What was written before `awaitFlush` has been handed to the system. */
  onFlushed(): void
  /** One of the others has thrown. */
  onFault(error: unknown): void
}

/** What a block has room for at first, bytes; then four times as much, and so on. */
const blockBytesMin = 16_384
const growth = 4
/** A turn that brings more leaves in several writes. */
const blockBytesMax = 278_528

let waiting: Http2Output[] = []
let batch: Http2Output[] = []
let isScheduled = false

function flushAll(): void {
  isScheduled = false
  const outputs = waiting
  waiting = batch
  batch = outputs
  for (const output of outputs) output.flushTurn()
  shorten(outputs, 0)
}

export class Http2Output {
  readonly #socket: Socket
  readonly #bytesMax: number
  readonly #queueBytesMax: number
  readonly #owner: Http2OutputOwner
  readonly #writer: BlockWriter
  #block: Buffer | undefined
  #used = 0
  #isWaiting = false
  #isFull = false
  #isAwaited = false
  /** Bytes handed to the socket so far. */
  sentBytes = 0

  /**
   * @param options.bytesMax bytes that wait for a slow reader before `isFull`.
   * @param options.queueBytesMax bytes of other frames that may wait beyond it; an Http2Fault goes to `onFault` behind them.
   */
  constructor(options: { socket: Socket; bytesMax: number; queueBytesMax: number; owner: Http2OutputOwner }) {
    this.#socket = options.socket
    this.#writer = new BlockWriter(options.socket)
    this.#bytesMax = options.bytesMax
    this.#queueBytesMax = options.bytesMax + options.queueBytesMax
    this.#owner = options.owner
    options.socket.on('drain', () => this.#drained())
  }

  /** Bodies should wait for `onWritable`; frames that steer may still be written. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Bytes written so far, sent or not. */
  get writtenBytes(): number {
    return this.sentBytes + this.#used
  }

  /** Bytes that the system has taken. */
  get takenBytes(): number {
    return this.sentBytes - this.#socket.writableLength
  }

  /** Writes the header of a frame whose payload of `length` bytes the caller puts behind it, at `reserved`. */
  frame(type: number, frameFlags: number, streamId: number, length: number): Buffer {
    const block = this.#reserve(frameHeaderBytes + length)
    let at = this.#used
    this.#lastAt = at
    block[at++] = length >>> 16
    block[at++] = length >>> 8
    block[at++] = length
    block[at++] = type
    block[at++] = frameFlags
    block[at++] = streamId >>> 24
    block[at++] = streamId >>> 16
    block[at++] = streamId >>> 8
    block[at++] = streamId
    this.reserved = at
    this.#used = at + length
    return block
  }

  /** Where the payload of the last frame begins. */
  reserved = 0
  /** Where the last frame begins, -1 when it has left. */
  #lastAt = -1

  /** Lets the last frame end its stream, if it is one of that stream's that can and has not left. @returns whether it does. */
  endLast(streamId: number): boolean {
    const block = this.#block
    const at = this.#lastAt
    if (block === undefined || at < 0 || block.readUInt32BE(at + 5) !== streamId) return false
    const type = block[at + 3]
    if (type !== frameTypes.data && type !== frameTypes.headers) return false
    block[at + 4] = block[at + 4]! | flags.endStream
    return true
  }

  /** A frame with a payload that is at hand: a part of `bytes`. */
  write(type: number, frameFlags: number, streamId: number, bytes: Uint8Array, start = 0, end = bytes.length): void {
    const block = this.frame(type, frameFlags, streamId, end - start)
    let at = this.reserved
    if (end - start > loopBytesMax) {
      if (start === 0 && end === bytes.length) block.set(bytes, at)
      else if (Buffer.isBuffer(bytes)) bytes.copy(block, at, start, end)
      else block.set(bytes.subarray(start, end), at)
    } else for (let i = start; i < end; i++) block[at++] = bytes[i]!
  }

  /** Bytes that are no frame: the preface. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length).set(bytes, this.#used)
    this.#used += bytes.length
    this.#lastAt = -1
  }

  #reserve(length: number): Buffer {
    const block = this.#block
    if (block !== undefined && this.#used + length <= block.length) return block
    return this.#makeRoom(length)
  }

  #makeRoom(length: number): Buffer {
    const block = this.#block
    if (block !== undefined) {
      if (this.#used + length > blockBytesMax) this.flush()
      else {
        const larger = takeBlock(Math.min(blockBytesMax, Math.max(block.length * growth, this.#used + length)))
        block.copy(larger, 0, 0, this.#used)
        giveBlock(block)
        this.#block = larger
        return larger
      }
    }
    const next = takeBlock(Math.max(blockBytesMin, length))
    this.#block = next
    this.#schedule()
    return next
  }

  /** Asks for one `onFlushed`, never during this call. */
  awaitFlush(): void {
    this.#isAwaited = true
    this.#schedule()
  }

  flush(): void {
    const block = this.#block
    if (block === undefined) return
    const used = this.#used
    this.#block = undefined
    this.#lastAt = -1
    this.#used = 0
    this.sentBytes += used
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded) {
      giveBlock(block)
      return
    }
    if (this.#send(block, used)) giveBlock(block)
    if (!this.#isFull && socket.writableLength > this.#bytesMax) this.#isFull = true
  }

  /** @returns whether the block can be used again. */
  #send(block: Buffer, used: number): boolean {
    if (used > copyBytesMax || this.#socket.writableLength === 0) return this.#writer.write(block, used)
    // Behind a write that waits: a small copy rather than a whole block held.
    this.#socket.write(Buffer.from(block.subarray(0, used)))
    return true
  }

  #schedule(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    waiting.push(this)
    if (isScheduled) return
    isScheduled = true
    setImmediate(flushAll)
  }

  /** Called by the batch. Never throws: one connection's fault must not cost the others their turn. */
  flushTurn(): void {
    this.#isWaiting = false
    try {
      this.flush()
      this.#checkQueue()
      if (this.#isAwaited && !this.#isFull) this.#flushed()
    } catch (error) {
      this.#owner.onFault(error)
    }
  }

  /** Answers to frames are not held back as bodies are: who makes us write and does not read is sent away (RFC 9113 section 10.5). */
  #checkQueue(): void {
    if (this.#socket.writableLength <= this.#queueBytesMax) return
    throw new Http2Fault(
      errorCodes.enhanceYourCalm,
      `more than ${this.#queueBytesMax} bytes wait for a peer that does not read`,
    )
  }

  #drained(): void {
    if (!this.#isFull) return
    this.#isFull = false
    try {
      if (this.#isAwaited) this.#flushed()
      this.#owner.onWritable()
    } catch (error) {
      this.#owner.onFault(error)
    }
  }

  #flushed(): void {
    this.#isAwaited = false
    this.#owner.onFlushed()
  }
}

const copyBytesMax = 4096
/** Measured: up to here a loop is cheaper than a call into the system. */
const loopBytesMax = 96
