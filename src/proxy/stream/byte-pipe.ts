/**
 * Bytes both ways between two sockets, each direction ended on its own (RFC 9293 section 3.6), with back pressure.
 *
 *   open ──one side's FIN──▶ half closed ──the other's──▶ closed
 *     └───an error, or nothing moved for too long──────────▲
 */

import type { Socket } from 'node:net'
import { giveBlock, takeBlock } from '#/codec/block-pool.ts'
import { BlockWriter } from '#/codec/block-writer.ts'
import { breakOff } from '#/codec/break-off.ts'
import { countLargeChunk } from '#/codec/buffer-collection.ts'
import { blockOf, isLent, keepBlock, leaveBlocks, onBlocks } from '#/codec/shared-read.ts'
import type { TimerWheel } from '#/codec/timer-wheel.ts'
import { WheelTimer } from '#/codec/timer-wheel.ts'

/** Why it ended: both sides are through, one of them was lost, or nothing moved. */
export type PipeEnd = 'whole' | 'client-lost' | 'endpoint-lost' | 'idle'

export interface BytePipeOptions {
  client: Socket
  endpoint: Socket
  /** Coarse. */
  wheel: TimerWheel
  idleMs: number
  /** Called once, when both sockets are closed or about to be. */
  onEnd: (end: PipeEnd) => void
}

/** For a side that takes nothing of what is left for it, ms. */
const lingerMs = 2000

/** Such a chunk that is not lent is a buffer that the collector has to hear of. */
const largeBytes = 16_384
/** What is short is copied as text, on the system's stack. */
const textBytesMax = 4096

export class BytePipe {
  readonly #options: BytePipeOptions
  readonly #idle: WheelTimer
  readonly #clientWriter: BlockWriter
  readonly #endpointWriter: BlockWriter
  /** From the client, and to it. */
  receivedBytes = 0
  sentBytes = 0
  #movedBefore = 0
  #isOver = false

  constructor(options: BytePipeOptions) {
    this.#options = options
    this.#clientWriter = new BlockWriter(options.client)
    this.#endpointWriter = new BlockWriter(options.endpoint)
    this.#idle = new WheelTimer(() => this.#look())
  }

  /** @param early what the client has sent already; @param greeting what the endpoint has. */
  start(early: Buffer | undefined, greeting: Buffer | undefined): void {
    const { client, endpoint, wheel, idleMs } = this.#options
    wheel.set(this.#idle, idleMs)
    endpoint.on('drain', () => client.resume())
    client.on('drain', () => endpoint.resume())
    client.on('end', () => this.#ended(client, endpoint))
    endpoint.on('end', () => this.#ended(endpoint, client))
    client.on('error', () => this.#finish('client-lost'))
    endpoint.on('error', () => this.#finish('endpoint-lost'))
    client.on('close', () => this.#closed(client, 'client-lost'))
    endpoint.on('close', () => this.#closed(endpoint, 'endpoint-lost'))
    if (early) this.#toEndpoint(early)
    if (greeting) this.#toClient(greeting)
    for (const socket of [client, endpoint]) socket.removeAllListeners('data')
    onBlocks(client, (chunk) => this.#toEndpoint(chunk))
    onBlocks(endpoint, (chunk) => this.#toClient(chunk))
  }

  /** Cuts both sides. */
  destroy(): void {
    this.#finish('idle')
  }

  #toEndpoint(chunk: Buffer): void {
    const { client, endpoint } = this.#options
    this.receivedBytes += chunk.length
    this.#pass(client, chunk, endpoint, this.#endpointWriter)
  }

  #toClient(chunk: Buffer): void {
    const { client, endpoint } = this.#options
    this.sentBytes += chunk.length
    this.#pass(endpoint, chunk, client, this.#clientWriter)
  }

  #pass(from: Socket, chunk: Buffer, to: Socket, writer: BlockWriter): void {
    if (to.destroyed || to.writableEnded) return
    const { length } = chunk
    const block = blockOf(from, chunk)
    if (block) {
      if (!writer.write(block, length)) keepBlock(from)
    } else if (!isLent(chunk)) {
      if (length >= largeBytes) countLargeChunk(length)
      to.write(chunk)
    } else if (length <= textBytesMax) {
      to.write(chunk.toString('latin1'), 'latin1')
    } else {
      const copy = takeBlock(length)
      copy.set(chunk)
      if (writer.write(copy, length)) giveBlock(copy)
    }
    if (to.writableNeedDrain) from.pause()
  }

  #ended(from: Socket, to: Socket): void {
    if (!to.writableEnded) to.end()
    // A socket that waits for room brings no end; one that ended has nothing to wait for.
    if (from.writableEnded) this.#checkWhole()
  }

  #checkWhole(): void {
    const { client, endpoint } = this.#options
    if (client.readableEnded && endpoint.readableEnded) this.#isWhole = true
  }

  #isWhole = false
  #lingering: Socket | undefined
  #leftBefore = 0

  #closed(socket: Socket, end: PipeEnd): void {
    leaveBlocks(socket)
    const { client, endpoint } = this.#options
    const isWhole = this.#isWhole || (client.readableEnded && endpoint.readableEnded)
    if (!isWhole) this.#finish(end)
    else if (client.closed && endpoint.closed) this.#finish('whole')
    else this.#linger(socket === client ? endpoint : client)
  }

  /**
   * One is gone, and the other has said all: only what it has yet to take is left. TLS that was reset before its first write may wait for
   * that without end, so there is a bound.
   */
  #linger(open: Socket): void {
    this.#lingering = open
    this.#leftBefore = open.writableLength
    this.#options.wheel.set(this.#idle, lingerMs)
  }

  #look(): void {
    if (this.#lingering) {
      if (this.#lingering.writableLength === this.#leftBefore) this.#finish('whole')
      else this.#linger(this.#lingering)
      return
    }
    const moved = this.receivedBytes + this.sentBytes
    if (moved === this.#movedBefore) {
      this.#finish('idle')
      return
    }
    this.#movedBefore = moved
    this.#options.wheel.set(this.#idle, this.#options.idleMs)
  }

  #finish(end: PipeEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    const { client, endpoint, wheel, onEnd } = this.#options
    wheel.cancel(this.#idle)
    if (end === 'whole') this.#lingering?.destroy()
    else {
      // The other side must not take what it got for everything.
      for (const socket of [client, endpoint]) {
        if (socket.readableEnded && socket.writableFinished) socket.destroy()
        else if (!socket.destroyed) breakOff(socket)
      }
    }
    onEnd(end)
  }
}
