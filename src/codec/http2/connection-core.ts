/**
 * An HTTP/2 connection without its frames: parts, streams, time, and the end. `connection.ts` reads frames into it.
 *
 *   open ──drain──▶ draining (GOAWAY; the streams under way go on) ──no stream──▶ closing ──read by the peer──▶ closed
 *     └────────fault (GOAWAY with its code; every stream is lost)──────────────────────▲
 */
import type { Socket } from 'node:net'
import type { Clock } from '#/std/clock.ts'
import { systemClock } from '#/std/clock.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import { describeError } from '../http1/fault.ts'
import type { HeaderList } from '../message.ts'
import type { ResetReason } from '../stream.ts'
import type { TimerWheel } from '../timer-wheel.ts'
import { ConnectionWatch } from './connection-watch.ts'
import { errorCodes, Http2Fault, settingIds } from './frame.ts'
import { FrameWriter } from './frame-writer.ts'
import { HpackFault } from './hpack/decoder.ts'
import { HpackEncoder } from './hpack/encoder.ts'
import type { Http2Limits } from './limits.ts'
import { Http2Output, type Http2OutputOwner } from './output.ts'
import { Progress } from './progress.ts'
import { ReceiveWindow } from './receive-window.ts'
import { SendScheduler } from './send-scheduler.ts'
import { PeerSettings } from './settings.ts'
import type { Http2Stream } from './stream.ts'
import { StreamTable } from './stream-table.ts'

export interface Http2ConnectionOptions {
  limits: Http2Limits
  /** A coarse wheel shared by all connections. */
  wheel: TimerWheel
  clock?: Clock
}

/** Of the PING that measures a round trip. */
export const samplePing = Buffer.from('window-1')

export abstract class Http2Core implements Http2OutputOwner {
  readonly socket: Socket
  readonly limits: Http2Limits
  readonly output: Http2Output
  readonly writer: FrameWriter
  readonly encoder: HpackEncoder
  readonly peer = new PeerSettings()
  readonly sender: SendScheduler
  readonly receiveWindow: ReceiveWindow
  protected readonly clock: Clock
  protected readonly watch: ConnectionWatch
  protected readonly streams = new StreamTable<Http2Stream>()
  readonly #resumed = new Set<Http2Stream>()
  readonly #outputProgress = new Progress()
  readonly #inputProgress = new Progress()
  /** Reads so far. */
  protected readCount = 0
  /** The highest stream of the peer's that we began with. */
  protected lastPeerStream = 0
  protected receivedFrameCount = 0
  /** Streams that ended without a reset. */
  wholeStreamCount = 0
  /** Within a call that reads from the peer: what is thrown ends the connection. */
  protected isReading = false
  #isClosing = false
  #isClosed = false

  /** @param socket connected, with `allowHalfOpen`: the last frames are still sent to who has closed. */
  constructor(socket: Socket, { limits, wheel, clock = systemClock }: Http2ConnectionOptions) {
    this.socket = socket
    this.limits = limits
    this.clock = clock
    const { outputBytesMax: bytesMax, queueBytesMax } = limits
    this.output = new Http2Output({ socket, bytesMax, queueBytesMax, owner: this })
    this.encoder = new HpackEncoder(limits.headerTableBytesMax)
    this.writer = new FrameWriter(this)
    this.sender = new SendScheduler(this)
    this.receiveWindow = new ReceiveWindow(limits)
    this.watch = new ConnectionWatch(this, { limits, wheel, clock })
    socket.on('end', () => this.#onPeerEnd())
    socket.on('error', (error: NodeJS.ErrnoException) => this.#lost(error.code ?? error.message))
    socket.on('close', () => this.#lost('the connection was closed'))
  }

  abstract sendTrailers(stream: Http2Stream, trailers: HeaderList): void
  abstract onIdleTooLong(): void
  /** Whether standing still is a fault of the peer's. */
  protected abstract mayStall(stream: Http2Stream): boolean
  /** The last stream is gone. */
  protected abstract onNoStreams(): void
  /** The connection can't go on, by the peer's fault or ours. Before its streams are told. */
  protected abstract onBroken(reason: ErrorCodeName, detail: string): void
  protected abstract onGone(): void

  get streamCount(): number {
    return this.streams.size
  }

  get usefulFrameCount(): number {
    return this.receivedFrameCount + this.sender.frameCount
  }

  protected get isEnding(): boolean {
    return this.#isClosing || this.#isClosed
  }

  /** Sends our SETTINGS and opens the connection's window. */
  protected greet(settings: readonly (readonly [number, number])[]): void {
    this.writer.settings(settings)
    this.watch.settingsSent()
    const credit = this.receiveWindow.open()
    if (credit > 0) this.writer.credit(0, credit)
    this.watch.start()
  }

  /** What the peer may send again on the whole connection. */
  protected giveCredit(): void {
    if (this.isEnding) return
    const credit = this.receiveWindow.takeCredit()
    if (credit > 0) this.writer.credit(0, credit)
  }

  // Called by the streams.

  sendReset(streamId: number, code: number): void {
    if (this.isEnding) return
    this.writer.reset(streamId, code)
    if (code === errorCodes.noError || code === errorCodes.cancel) return
    try {
      // A peer that makes us reset its streams costs as much as one that does so itself.
      this.watch.countReset()
    } catch (error) {
      if (this.isReading) throw error
      this.onFault(error)
    }
  }

  sendCredit(streamId: number, bytes: number): void {
    if (!this.isEnding) this.writer.credit(streamId, bytes)
  }

  /** A large body comes: a round trip is measured. */
  sampleWindow(): void {
    if (this.receiveWindow.beginSample()) this.writer.ping(samplePing, false)
  }

  protected endSample(): void {
    const growth = this.receiveWindow.endSample()
    if (growth === 0) return
    this.writer.settings([[settingIds.initialWindowSize, this.receiveWindow.streamBytes]])
    this.watch.settingsSent()
    for (const stream of this.streams.list()) stream.widen(growth)
  }

  /** The stream's reader goes on: what has waited for it is delivered in a turn of its own. */
  later(stream: Http2Stream): void {
    this.#resumed.add(stream)
    if (this.#resumed.size === 1) setImmediate(() => this.#deliverResumed())
  }

  #deliverResumed(): void {
    for (const stream of this.#resumed) {
      this.#resumed.delete(stream)
      try {
        stream.deliverWaiting()
      } catch (error) {
        this.onFault(error)
      }
    }
    this.giveCredit()
  }

  onWritable(): void {
    this.sender.pump()
  }

  onFlushed(): void {
    // The server's side waits for it.
  }

  protected add(stream: Http2Stream): void {
    this.streams.add(stream)
    this.watch.wake()
  }

  remove(stream: Http2Stream): void {
    if (!this.streams.delete(stream.id)) return
    this.sender.remove(stream)
    if (this.streams.size === 0) this.onNoStreams()
  }

  // What ends it.

  /** Streams that stand still by the peer's fault are lost; all of them when it reads nothing at all. */
  onLook(nowMs: number): void {
    const { stallTimeoutMs } = this.limits
    const detail = `no byte in ${stallTimeoutMs} ms`
    if (this.#outputProgress.stillMs(this.output.takenBytes, nowMs) >= stallTimeoutMs && this.output.isFull) {
      this.onStalled(detail)
      this.#loseAll('timeout', detail)
      this.destroy()
      return
    }
    this.onSilence(this.#inputProgress.stillMs(this.readCount, nowMs))
    for (const stream of this.streams.list()) {
      const isLate = stream.progress.stillMs(stream.movedBytes, nowMs) >= stallTimeoutMs
      if (!isLate || !stream.isAwaitingPeer || !this.mayStall(stream)) continue
      this.onStalled(detail)
      stream.fail(errorCodes.cancel, 'timeout', detail)
    }
  }

  /** By its fault a stream, or all of them, are about to be lost. */
  protected onStalled(_detail: string): void {
    // A client's owner learns of it by its streams.
  }

  /** Nothing has come for so long, as far as was looked. */
  protected onSilence(_ms: number): void {
    // A client may be silent.
  }

  onLingered(): void {
    this.socket.destroy()
  }

  /** Frames that RFC 9113 forbids end the connection; a mistake of ours does as well. */
  onFault(error: unknown): void {
    if (this.isEnding) return
    const isPeers = error instanceof Http2Fault || error instanceof HpackFault
    const ourCode = isPeers ? errorCodes.compressionError : errorCodes.internalError
    const detail = isPeers ? error.message : describeError(error)
    const reason = error instanceof Http2Fault ? error.reason : isPeers ? 'bad_request' : 'extension_failed'
    this.onBroken(reason, detail)
    this.writer.goaway(this.lastPeerStream, error instanceof Http2Fault ? error.code : ourCode, isPeers ? detail : '')
    this.close()
    this.#loseAll(isPeers ? 'protocol-error' : 'cancelled', detail)
  }

  #loseAll(reason: ResetReason, detail: string): void {
    for (const stream of this.streams.list()) {
      try {
        stream.lose(reason, detail)
      } catch (error) {
        this.onBroken('extension_failed', describeError(error))
      }
    }
  }

  #onPeerEnd(): void {
    this.#lost('the peer closed the connection')
    this.socket.destroy()
  }

  /** Lets the peer read what was written, then cuts. */
  protected close(): void {
    if (this.isEnding) return
    this.#isClosing = true
    this.output.flush()
    this.socket.end()
    this.watch.linger()
  }

  destroy(detail = 'the connection was destroyed'): void {
    this.#lost(detail)
    this.socket.destroy()
  }

  #lost(detail: string): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.watch.stop()
    this.onGone()
    this.#loseAll('connection-lost', detail)
  }
}
