/**
 * The server side of an HTTP/1.1 connection (RFC 9112).
 *
 *            head whole                 answer has left, body through
 *   idle ───────────────▶ exchange ─────────────────────────────────▶ idle, or closing without keep-alive
 *    ▲                       │ │ └─ answer has left, body not ─▶ discarding ─▶ idle, or closing when it is too long
 *    └───────────────────────┼─┘
 *   idle, exchange ─malformed┼─▶ closing ─ read by the client, or not in time ─▶ closed
 *                            ├─ 101 ─▶ tunnel ─ both ends ─▶ closed
 *                            └─ reset, or the client left ─▶ closed
 *
 * One exchange at a time: a pipelined request waits, unread past a limit, until the answer before it has left.
 */
import type { Socket } from 'node:net'
import type { ErrorCodeName } from '#/std/errors.ts'
import type { ResetReason, ServerHandler } from '../stream.ts'
import type { TimerWheel } from '../timer-wheel.ts'
import { WheelTimer } from '../timer-wheel.ts'
import type { BodyTarget } from './body-reader.ts'
import { BodyReader } from './body-reader.ts'
import { FramingFault } from './fault.ts'
import type { FieldMemory } from './framing.ts'
import { HeadBuffer } from './head-buffer.ts'
import type { Http1Limits } from './limits.ts'
import type { OutputOwner } from './output.ts'
import { Output } from './output.ts'
import { refusalText } from './refusal.ts'
import { parseRequestHead } from './request-head.ts'
import { Http1ServerStream } from './server-stream.ts'

export interface Http1ServerOptions {
  handler: ServerHandler
  limits: Http1Limits
  /** A coarse wheel shared by all connections. */
  wheel: TimerWheel
  /** Called once when the connection is gone. */
  onClosed?: () => void
}

type State = 'idle' | 'exchange' | 'discarding' | 'tunnel' | 'closing' | 'closed'

const nobody: BodyTarget = { onBodyData: () => undefined, onBodyEnd: () => undefined }

export class Http1ServerConnection implements OutputOwner {
  readonly socket: Socket
  /** Of the peer, without port. */
  readonly remoteAddress: string
  readonly output: Output
  readonly #options: Http1ServerOptions
  readonly #limits: Http1Limits
  readonly #head: HeadBuffer
  readonly #body: BodyReader
  readonly #memory: FieldMemory = []
  readonly #timer = new WheelTimer(() => this.#timedOut())
  #state: State = 'idle'
  #stream: Http1ServerStream | undefined
  #held: Buffer[] = []
  #heldBytes = 0
  #discardedBytes = 0
  #stallMark = 0
  #isDraining = false
  #isTunnelOpen = false
  #hasEnded = false
  #hasSentEnd = false
  #lossReason: ResetReason = 'connection-lost'
  /** Something of the body of the present request has come. */
  hasBodyBegun = false

  /** @param socket connected, with `allowHalfOpen`: a tunnel can end one way first, and a last answer is still sent. */
  constructor(socket: Socket, options: Http1ServerOptions) {
    this.socket = socket
    this.remoteAddress = socket.remoteAddress ?? ''
    this.#options = options
    this.#limits = options.limits
    this.#head = new HeadBuffer({ limits: options.limits, maySkipLine: true })
    this.#body = new BodyReader(options.limits)
    this.output = new Output({ socket, bytesMax: options.limits.outputBytesMax, owner: this })
    socket.on('data', (chunk: Buffer) => this.#read(chunk))
    socket.on('end', () => this.#onEnd())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#onClose())
    options.wheel.set(this.#timer, options.limits.idleTimeoutMs)
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** No request is under way, and no answer on its way. */
  get isIdle(): boolean {
    if (this.#state === 'idle') return !this.#head.hasPartial
    return this.#state === 'closed' || (this.#state === 'closing' && this.socket.writableFinished)
  }

  /** Closes when idle, else after the answer under way, which says `connection: close`. */
  drain(): void {
    this.#isDraining = true
    if (this.#state === 'idle' && !this.#head.hasPartial) this.#close()
  }

  destroy(): void {
    this.socket.destroy()
  }

  // What comes from the client.

  #read(chunk: Buffer): void {
    try {
      for (let position = 0; position < chunk.length; ) position = this.#readSome(chunk, position)
    } catch (error) {
      this.onFault(error)
    }
  }

  #readSome(chunk: Buffer, start: number): number {
    switch (this.#state) {
      case 'idle':
        return this.#readHead(chunk, start)
      case 'exchange':
        if (this.#body.isDone) return this.#hold(chunk, start)
        this.hasBodyBegun = true
        return this.#body.read(chunk, start, this.#stream!)
      case 'discarding':
        return this.#readDiscarded(chunk, start)
      case 'tunnel':
        if (!this.#isTunnelOpen) return this.#hold(chunk, start)
        this.#stream?.sink?.onData(start === 0 ? chunk : chunk.subarray(start))
        return chunk.length
      default:
        return chunk.length
    }
  }

  #readHead(chunk: Buffer, start: number): number {
    const hadPartial = this.#head.hasPartial
    if (this.#head.take(chunk, start)) {
      // The next head may be taken before this call is over.
      const { next } = this.#head
      this.#begin(this.#head.text)
      return next
    }
    // Counted from the first byte: a client that sends one now and then gains no time.
    if (!hadPartial && this.#head.hasPartial) this.#options.wheel.set(this.#timer, this.#limits.headerTimeoutMs)
    return chunk.length
  }

  #begin(text: string): void {
    const request = parseRequestHead(text, this.#limits, this.#memory)
    const { bodyLength, upgrade } = request.head
    this.#state = 'exchange'
    this.hasBodyBegun = false
    if (bodyLength > 0) this.#body.startFixed(bodyLength)
    else if (bodyLength < 0) this.#body.startChunked()
    if (bodyLength === 0) this.#options.wheel.cancel(this.#timer)
    else this.#watchStall()
    const stream = new Http1ServerStream(this, request)
    this.#stream = stream
    const sink = this.#options.handler.onStream(stream)
    if (stream.isOver) return
    stream.sink = sink
    // A request to upgrade has no end yet: what follows its answer belongs to the tunnel.
    if (bodyLength === 0 && upgrade === '') stream.onBodyEnd(undefined)
  }

  #hold(chunk: Buffer, start: number): number {
    this.#held.push(start === 0 ? chunk : chunk.subarray(start))
    this.#heldBytes += chunk.length - start
    if (this.#heldBytes > this.#limits.pipelinedBytesMax) this.socket.pause()
    return chunk.length
  }

  #takeHeld(): Buffer {
    const chunk = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    return chunk
  }

  #readDiscarded(chunk: Buffer, start: number): number {
    const next = this.#body.read(chunk, start, nobody)
    this.#discardedBytes += next - start
    if (this.#body.isDone) this.#becomeIdle()
    else if (this.#discardedBytes > this.#limits.discardBytesMax) this.#close()
    return next
  }

  pause(): void {
    this.socket.pause()
  }

  resume(): void {
    if (this.#heldBytes <= this.#limits.pipelinedBytesMax) this.socket.resume()
  }

  /**
   * The client has finished sending. A tunnel is half closed. Else it is gone: few clients half-close and wait, many leave, and
   * who is gone should cost its destination nothing more (Envoy and nginx read it so too).
   */
  #onEnd(): void {
    this.#hasEnded = true
    if (this.#state === 'tunnel') this.#endOfTunnel()
    else if (this.#state === 'idle' || this.#state === 'discarding') this.#close()
    // An answer that is written to its end may still leave.
    else if (this.#state === 'exchange' && !this.#stream?.isDone) this.abort('connection-lost')
  }

  // What goes to the client; called by the stream.

  /** The answer is 101. */
  becomeTunnel(): void {
    this.#state = 'tunnel'
    this.#options.wheel.cancel(this.#timer)
    this.output.awaitFlush()
  }

  /** Nothing more goes to the client; bytes may still come from it. */
  endTunnel(): void {
    if (this.#hasSentEnd) return
    this.#hasSentEnd = true
    this.output.flush()
    this.socket.end()
  }

  /** The answer has been written to its end. */
  answered(): void {
    this.output.awaitFlush()
  }

  /** The exchange can't go on: nothing of it may be mistaken for the next, nor its answer for a whole one. */
  abort(reason: ResetReason = 'cancelled'): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#lossReason = reason
    this.#body.stop()
    if (this.#stream?.isUntilClose) this.socket.resetAndDestroy()
    else this.socket.destroy()
  }

  onFull(): void {
    if (this.#timer.slot < 0) this.#watchStall()
  }

  onWritable(): void {
    this.#stream?.sink?.onWritable()
  }

  onFlushed(): void {
    if (this.#state === 'tunnel') this.#openTunnel()
    else if (this.#state === 'exchange') this.#conclude()
  }

  #openTunnel(): void {
    this.#isTunnelOpen = true
    if (this.#heldBytes > 0) this.#stream?.sink?.onData(this.#takeHeld())
    if (this.#hasEnded) this.#endOfTunnel()
    else this.socket.resume()
  }

  #endOfTunnel(): void {
    if (this.#isTunnelOpen) this.#stream?.sink?.onEnd(undefined)
  }

  #conclude(): void {
    const stream = this.#stream!
    this.#stream = undefined
    stream.finish()
    if (this.#state !== 'exchange') return
    if (!stream.isKeepAlive || this.#isDraining || this.#hasEnded) this.#close()
    else if (this.#body.isDone) this.#becomeIdle()
    else this.#discard()
  }

  /** A short rest of a body is read, so that an early answer does not cost the connection. */
  #discard(): void {
    if (this.#body.remaining > this.#limits.discardBytesMax) {
      this.#close()
      return
    }
    this.#state = 'discarding'
    this.#discardedBytes = 0
    this.socket.resume()
  }

  #becomeIdle(): void {
    this.#state = 'idle'
    this.#options.wheel.set(this.#timer, this.#limits.idleTimeoutMs)
    if (this.socket.isPaused()) this.socket.resume()
    if (this.#heldBytes > 0) this.#read(this.#takeHeld())
  }

  // What ends it.

  /** Bytes that are no message, or a mistake of whoever handles them. */
  onFault(error: unknown): void {
    const isFraming = error instanceof FramingFault
    const code: ErrorCodeName = isFraming ? error.code : 'extension_failed'
    const detail = isFraming ? error.message : stackOf(error)
    const stream = this.#stream
    this.#stream = undefined
    this.#options.handler.onMalformed(code, detail)
    const isAnswered = stream?.isDone || this.#state === 'discarding'
    const isAnswering = stream?.hasHead || this.#state === 'closing'
    stream?.lose(isFraming ? 'protocol-error' : 'cancelled')
    if (isAnswered) this.#close()
    else if (isAnswering) this.abort()
    else this.#refuse(code, isFraming ? detail : '')
  }

  #refuse(code: ErrorCodeName, detail: string): void {
    this.output.writeText(refusalText(code, detail))
    this.#close()
  }

  /** Lets the client read what was written, then cuts: closing at once could cost it the answer (RFC 9112 section 9.6). */
  #close(): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#state = 'closing'
    this.#held = []
    this.#heldBytes = 0
    this.#body.stop()
    this.output.flush()
    this.socket.resume()
    this.#watchStall()
    this.socket.end(() => {
      if (!this.socket.destroyed) this.#options.wheel.set(this.#timer, this.#limits.lingerTimeoutMs)
    })
  }

  #timedOut(): void {
    if (this.#state === 'idle' && this.#head.hasPartial) {
      const detail = `no whole head in ${this.#limits.headerTimeoutMs} ms`
      this.#options.handler.onMalformed('request_header_timeout', detail)
      this.#refuse('request_header_timeout', detail)
    } else if (this.#state === 'idle') this.#close()
    else if (this.#state === 'closing' && this.socket.writableFinished) this.socket.destroy()
    else this.#checkStall()
  }

  #watchStall(): void {
    this.#stallMark = this.socket.bytesRead + this.output.takenBytes
    this.#options.wheel.set(this.#timer, this.#limits.stallTimeoutMs)
  }

  /** The client is cut off when it owes bytes, or has bytes to take, and moved none since the last look. */
  #checkStall(): void {
    const isOwing = !this.#body.isDone && !this.socket.isPaused()
    const isSlow = this.output.isFull || this.#state === 'closing'
    const isStill = this.socket.bytesRead + this.output.takenBytes === this.#stallMark
    if ((isOwing || isSlow) && isStill) this.abort('timeout')
    else if (isSlow || !this.#body.isDone) this.#watchStall()
  }

  #onClose(): void {
    const isWholeTunnel = this.#state === 'tunnel' && this.#hasEnded && this.#hasSentEnd
    this.#state = 'closed'
    this.#options.wheel.cancel(this.#timer)
    this.#body.stop()
    const stream = this.#stream
    this.#stream = undefined
    try {
      if (isWholeTunnel) stream?.finish()
      else stream?.lose(this.#lossReason)
    } catch (error) {
      this.#options.handler.onMalformed('extension_failed', stackOf(error))
    }
    this.#options.onClosed?.()
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
