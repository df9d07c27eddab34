/**
 * One stream of an HTTP/2 connection, either side (RFC 9113 section 5): windows, what waits for them, and its end.
 * A subclass speaks the seam's language (`../stream.ts`).
 */
import { giveBlock } from '../block-pool.ts'
import { ByteQueue } from '../byte-queue.ts'
import { UnwritableMessage } from '../http1/fault.ts'
import type { HeaderList } from '../message.ts'
import type { ResetReason } from '../stream.ts'
import type { Http2Core } from './connection-core.ts'
import { errorCodes } from './frame.ts'
import { Progress } from './progress.ts'

export abstract class Http2Stream {
  readonly id: number
  protected readonly connection: Http2Core
  /** What the peer lets us send. */
  sendWindow: number
  /** What we let the peer send, and what it is owed since the last credit. */
  #receiveLeft: number
  #receiveOwed = 0
  /** Our bytes that wait for a window, and what ends them. */
  #sending: ByteQueue | undefined
  #endWaits = false
  #trailers: HeaderList | undefined
  /** The peer's bytes that wait for our reader. */
  #received: ByteQueue | undefined
  #receivedEnd = false
  #receivedTrailers: HeaderList | undefined
  #isPaused = false
  /** Nothing more is to be written. */
  isSendClosed = false
  /** Nothing more comes. */
  isReceiveClosed = false
  isOver = false
  /** The peer announced so many bytes, -1 when it did not; and has sent so many. */
  announcedBytes = -1
  #receivedBytes = 0
  /** Moves with every byte of a body in either direction: a stream that stands still is told by it. */
  movedBytes = 0
  readonly progress = new Progress()

  constructor(connection: Http2Core, id: number) {
    this.connection = connection
    this.id = id
    this.sendWindow = connection.peer.windowBytes
    this.#receiveLeft = connection.receiveWindow.streamBytes
  }

  protected abstract deliverData(chunk: Buffer): void
  protected abstract deliverEnd(trailers: HeaderList | undefined): void
  abstract deliverWritable(): void
  /** The stream is lost, for whatever reason. Called once; nothing more is delivered. */
  protected abstract deliverLoss(reason: ResetReason, detail: string): void
  /** Both directions are through. */
  protected abstract deliverClosed(): void

  /** Something of ours waits for the peer's window. */
  get isSendBlocked(): boolean {
    return this.#sending !== undefined || this.#endWaits
  }

  /**
   * The peer does not take our bytes, or owes those that it announced. A body of unknown length may be silent for as long as it
   * likes: gRPC streams and tunnels are.
   */
  get isAwaitingPeer(): boolean {
    return this.isSendBlocked || (this.announcedBytes >= 0 && !this.isReceiveClosed && !this.#isPaused)
  }

  // What goes out.

  /** @returns false when full: `deliverWritable` follows. */
  send(chunk: Uint8Array): boolean {
    if (this.isSendClosed || this.#endWaits) return true
    let from = 0
    if (this.#sending === undefined) from = this.connection.sender.send(this, chunk, 0, chunk.length)
    this.movedBytes += from
    if (from === chunk.length) return !this.connection.output.isFull || this.#wait()
    this.#sending ??= new ByteQueue()
    this.#sending.append(chunk, from)
    this.connection.sender.block(this)
    return false
  }

  #wait(): boolean {
    this.connection.sender.block(this)
    return false
  }

  sendEnd(trailers: HeaderList | undefined): void {
    if (this.isSendClosed || this.#endWaits) return
    if (this.#sending !== undefined) {
      this.#endWaits = true
      this.#trailers = trailers
      return
    }
    this.#writeEnd(trailers)
  }

  /** Sends one frame's worth of what waits. @returns true when nothing waits any more. */
  sendWaiting(): boolean {
    const sending = this.#sending
    if (sending !== undefined) {
      const { from } = sending
      const end = Math.min(sending.to, from + this.connection.peer.frameBytes)
      const sent = this.connection.sender.send(this, sending.first, from, end)
      this.movedBytes += sent - from
      sending.readTo(sent)
      if (sending.length > 0) return false
      this.#sending = undefined
    }
    if (this.#endWaits) {
      this.#endWaits = false
      this.#writeLateEnd()
    }
    return true
  }

  /** Nobody waits for it who could be told by an exception that the trailers can't be written. */
  #writeLateEnd(): void {
    try {
      this.#writeEnd(this.#trailers)
    } catch (error) {
      if (!(error instanceof UnwritableMessage)) throw error
      this.fail(errorCodes.internalError, 'protocol-error', error.message)
    }
  }

  #writeEnd(trailers: HeaderList | undefined): void {
    if (trailers !== undefined && trailers.length > 0) this.connection.sendTrailers(this, trailers)
    else this.connection.writer.end(this.id)
    this.closeSend()
  }

  closeSend(): void {
    this.isSendClosed = true
    if (this.isReceiveClosed) this.#close()
  }

  // What comes in.

  /** A DATA frame of so many bytes has begun. @returns false when the peer sent more than it may. */
  accept(bytes: number): boolean {
    this.#receiveLeft -= bytes
    return this.#receiveLeft >= 0
  }

  widen(bytes: number): void {
    this.#receiveLeft += bytes
  }

  /** So many bytes of a body are to come next. @returns what is wrong with it, empty when nothing is. */
  announce(bytes: number): string {
    this.#receivedBytes += bytes
    const isMore = this.announcedBytes >= 0 && this.#receivedBytes > this.announcedBytes
    return isMore ? 'more bytes than content-length says' : ''
  }

  receive(piece: Buffer): void {
    this.movedBytes += piece.length
    if (piece.length === 0) return
    if (this.#isPaused || this.#received !== undefined) {
      this.connection.receiveWindow.hold(piece.length)
      this.#received ??= new ByteQueue()
      this.#received.append(piece)
    } else this.#passOn(piece)
  }

  /** @returns what is wrong with it, empty when nothing is. */
  receiveEnd(trailers: HeaderList | undefined): string {
    this.isReceiveClosed = true
    if (this.announcedBytes >= 0 && this.#receivedBytes !== this.announcedBytes)
      return 'fewer bytes than content-length says'
    if (this.#isPaused || this.#received !== undefined) {
      this.#receivedEnd = true
      this.#receivedTrailers = trailers
    } else this.#finishReceive(trailers)
    return ''
  }

  /** Padding: taken, and passed on to nobody. */
  discard(bytes: number): void {
    this.#credit(bytes)
  }

  #passOn(piece: Buffer): void {
    this.deliverData(piece)
    this.#credit(piece.length)
  }

  #credit(bytes: number): void {
    this.#receiveOwed += bytes
    if (this.isReceiveClosed || this.isOver || this.#receiveOwed < this.connection.receiveWindow.streamBytes / 4) return
    this.connection.sendCredit(this.id, this.#receiveOwed)
    // Behind the credit, so that what it lets the peer send is counted. A body of some size comes, and its reader is not slow.
    this.connection.sampleWindow()
    this.#receiveLeft += this.#receiveOwed
    this.#receiveOwed = 0
  }

  #finishReceive(trailers: HeaderList | undefined): void {
    this.deliverEnd(trailers)
    if (this.isSendClosed) this.#close()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    if (this.#received !== undefined || this.#receivedEnd) this.connection.later(this)
  }

  /** Delivers what has waited, until the reader pauses again. Called in a turn of its own. */
  deliverWaiting(): void {
    const received = this.#received
    while (received !== undefined && received.length > 0 && !this.#isPaused && !this.isOver) {
      const { from, to } = received
      const block = received.takeFirst()
      this.connection.receiveWindow.passOn(to - from)
      this.#passOn(block.subarray(from, to))
      giveBlock(block)
    }
    if (this.isOver || this.#isPaused) return
    this.#received = undefined
    if (!this.#receivedEnd) return
    this.#receivedEnd = false
    this.#finishReceive(this.#receivedTrailers)
  }

  // What ends it.

  #close(): void {
    if (this.isOver || this.#received !== undefined || this.#receivedEnd) return
    this.isOver = true
    this.connection.wholeStreamCount++
    this.connection.remove(this)
    this.deliverClosed()
  }

  /** Without a frame: the peer has reset it, or the connection is gone. */
  lose(reason: ResetReason, detail: string): void {
    if (this.isOver) return
    this.abandon()
    this.deliverLoss(reason, detail)
  }

  /** Nothing more is delivered or sent. */
  abandon(): void {
    this.isOver = true
    this.isSendClosed = true
    this.isReceiveClosed = true
    this.#sending?.clear()
    this.#sending = undefined
    this.#endWaits = false
    if (this.#received !== undefined) {
      this.connection.receiveWindow.passOn(this.#received.length)
      this.#received.clear()
      this.#received = undefined
    }
    this.connection.remove(this)
  }

  /** Ends it with RST_STREAM; the owner knows. */
  resetWith(code: number): void {
    if (this.isOver) return
    this.abandon()
    this.connection.sendReset(this.id, code)
  }

  /** The peer broke a rule on this stream: it and our owner are told. */
  fail(code: number, reason: ResetReason, detail: string): void {
    if (this.isOver) return
    this.connection.sendReset(this.id, code)
    this.lose(reason, detail)
  }
}

/** RST_STREAM's code for the reasons that we have. */
export function resetCode(reason: ResetReason): number {
  switch (reason) {
    case 'protocol-error':
      return errorCodes.protocolError
    case 'refused':
      return errorCodes.refusedStream
    case 'connection-lost':
      return errorCodes.internalError
    case 'cancelled':
    case 'timeout':
      return errorCodes.cancel
  }
}
