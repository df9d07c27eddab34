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
import { breakOff } from '../break-off.ts'
import { onBytes } from '../shared-read.ts'
import type { ResetReason } from '../stream.ts'
import { BodyReader, nobody } from './body-reader.ts'
import { describeError, FramingFault, lateBody, lateHead } from './fault.ts'
import type { FieldMemory } from './framing.ts'
import { HeadBuffer } from './head-buffer.ts'
import { InputGate } from './input-gate.ts'
import type { Http1Limits } from './limits.ts'
import { Output, type OutputOwner } from './output.ts'
import { refusalText } from './refusal.ts'
import { parseRequestHead } from './request-head.ts'
import type { Http1ServerOptions } from './server-options.ts'
import { Http1ServerStream } from './server-stream.ts'
import { ServerTimer } from './server-timer.ts'
import { ServerTunnel } from './server-tunnel.ts'

type State = 'idle' | 'exchange' | 'discarding' | 'tunnel' | 'closing' | 'closed'

export class Http1ServerConnection implements OutputOwner {
  readonly socket: Socket
  /** Of the peer, without port. */
  readonly remoteAddress: string
  readonly output: Output
  readonly gate: InputGate
  readonly body: BodyReader
  readonly #options: Http1ServerOptions
  readonly #limits: Http1Limits
  readonly #head: HeadBuffer
  readonly #memory: FieldMemory = []
  readonly #timer: ServerTimer
  #state: State = 'idle'
  #stream: Http1ServerStream | undefined
  #discardedBytes = 0
  /** Closes after the request under way. */
  isDraining = false
  /** After a 101. */
  tunnel: ServerTunnel | undefined
  #hasEnded = false
  #lossReason: ResetReason = 'connection-lost'

  /** @param socket connected, with `allowHalfOpen`: a tunnel can end one way first, and a last answer is still sent. */
  constructor(socket: Socket, options: Http1ServerOptions) {
    this.socket = socket
    this.remoteAddress = socket.remoteAddress ?? ''
    this.#options = options
    this.#limits = options.limits
    this.#head = new HeadBuffer({ limits: options.limits, maySkipLine: true })
    this.body = new BodyReader(options.limits)
    this.gate = new InputGate(socket, options.limits.pipelinedBytesMax)
    this.output = new Output({ socket, bytesMax: options.limits.outputBytesMax, owner: this })
    onBytes(socket, (chunk) => this.#read(chunk))
    socket.on('end', () => this.#onEnd())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#onClose())
    this.#timer = new ServerTimer({ ...options, socket, run: () => this.#timedOut() })
    this.#timer.awaitRequest()
  }

  /** No request is under way, and no answer on its way. */
  get isIdle(): boolean {
    if (this.#state === 'idle') return !this.#head.hasPartial
    return this.#state === 'closed' || (this.#state === 'closing' && this.socket.writableFinished)
  }

  /** Closes when idle, else after the answer under way, which says `connection: close`. */
  drain(): void {
    this.isDraining = true
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
        if (!this.body.isDone) return this.body.read(chunk, start, this.#stream!)
        this.gate.hold(chunk, start)
        return chunk.length
      case 'discarding':
        return this.#readDiscarded(chunk, start)
      case 'tunnel':
        this.tunnel!.read(chunk, start)
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
    if (!hadPartial && this.#head.hasPartial) this.#timer.awaitHead()
    return chunk.length
  }

  #begin(text: string): void {
    const request = parseRequestHead(text, this.#limits, this.#memory)
    const { bodyLength, upgrade } = request.head
    this.#state = 'exchange'
    if (bodyLength > 0) this.body.startFixed(bodyLength)
    else if (bodyLength < 0) this.body.startChunked()
    if (bodyLength === 0) this.#timer.stop()
    else this.#timer.awaitProgress()
    const stream = new Http1ServerStream(this, request)
    this.#stream = stream
    const sink = this.#options.handler.onStream(stream)
    if (stream.isOver) return
    stream.sink = sink
    // A request to upgrade has no end yet: what follows its answer belongs to the tunnel.
    if (bodyLength === 0 && upgrade === '') stream.onBodyEnd(undefined)
  }

  #readDiscarded(chunk: Buffer, start: number): number {
    const next = this.body.read(chunk, start, nobody)
    this.#discardedBytes += next - start
    if (this.body.isDone) this.#becomeIdle()
    else if (this.#discardedBytes > this.#limits.discardBytesMax) this.#close()
    return next
  }

  /**
   * The client has finished sending. A tunnel is half closed. Else it is gone: few clients half-close and wait, many leave, and
   * who is gone should cost its destination nothing more (Envoy and nginx read it so too).
   */
  #onEnd(): void {
    this.#hasEnded = true
    if (this.#state === 'tunnel') this.tunnel!.readEnd()
    else if (this.#state === 'idle' || this.#state === 'discarding') this.#close()
    // An answer that is written to its end may still leave.
    else if (this.#state === 'exchange' && !this.#stream?.isWhole) this.abort('connection-lost')
  }

  // What goes to the client; called by the stream.

  /** The answer is 101. */
  becomeTunnel(): void {
    this.#state = 'tunnel'
    this.tunnel = new ServerTunnel({ socket: this.socket, output: this.output, gate: this.gate })
    this.#timer.stop()
    this.output.awaitFlush()
  }

  /** The exchange can't go on: nothing of it may be mistaken for the next, nor its answer for a whole one. */
  abort(reason: ResetReason = 'cancelled'): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#lossReason = reason
    this.body.stop()
    if (this.#stream?.isUntilClose) breakOff(this.socket)
    else this.socket.destroy()
  }

  onFull(): void {
    if (!this.#timer.isWaiting) this.#timer.awaitProgress()
  }

  onWritable(): void {
    this.#stream?.sink?.onWritable()
  }

  onFlushed(): void {
    if (this.#state === 'tunnel') this.tunnel!.open(this.#stream?.sink)
    else if (this.#state === 'exchange') this.#conclude()
  }

  #conclude(): void {
    const stream = this.#stream!
    this.#stream = undefined
    stream.finish()
    if (this.#state !== 'exchange') return
    const isSpent = !stream.isKeepAlive || this.isDraining || this.#hasEnded
    if (isSpent || this.body.remaining > this.#limits.discardBytesMax) this.#close()
    else if (this.body.isDone) this.#becomeIdle()
    else this.#discard()
  }

  /** A short rest of a body is read, so that an early answer does not cost the connection. */
  #discard(): void {
    this.#state = 'discarding'
    this.#discardedBytes = 0
    this.gate.resume()
  }

  #becomeIdle(): void {
    this.#state = 'idle'
    this.#timer.awaitRequest()
    this.gate.resume()
    if (!this.gate.isEmpty) this.#read(this.gate.take())
  }

  // What ends it.

  /** Bytes that are no message or come too late, or a mistake of whoever handles them. */
  onFault(error: unknown): void {
    const isFraming = error instanceof FramingFault
    const code: ErrorCodeName = isFraming ? error.code : 'extension_failed'
    const detail = isFraming ? error.message : describeError(error)
    const stream = this.#stream
    this.#options.handler.onMalformed(code, detail)
    stream?.lose(code === 'client_stalled' ? 'timeout' : isFraming ? 'protocol-error' : 'cancelled')
    if (stream ? stream.isWhole : this.#state !== 'idle') this.#close()
    else if (stream?.hasHead) this.abort()
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
    this.gate.drop()
    this.body.stop()
    this.output.flush()
    this.#timer.awaitProgress()
    this.socket.end(() => this.#timer.awaitClose())
  }

  #timedOut(): void {
    const isIdle = this.#state === 'idle'
    if (isIdle && this.#head.hasPartial) this.onFault(lateHead(this.#limits.headerTimeoutMs))
    else if (isIdle) this.#closeIdle()
    else if (this.#state === 'closing' && this.socket.writableFinished) this.socket.destroy()
    else this.#checkStall()
  }

  #closeIdle(): void {
    this.#options.handler.onIdleClosed?.()
    this.#close()
  }

  /** The client is cut off when it owes bytes, or has bytes to take, and moved none since the last look. */
  #checkStall(): void {
    const isOwing = !this.body.isDone && !this.socket.isPaused()
    const isSlow = this.output.isFull || this.#state === 'closing'
    if (isSlow && this.#timer.isStill) this.#cutOff()
    else if (isOwing && this.#timer.isStill) this.onFault(lateBody(this.#limits.stallTimeoutMs))
    else if (isSlow || !this.body.isDone) this.#timer.awaitProgress()
  }

  /** It does not take its answer. */
  #cutOff(): void {
    this.#options.handler.onMalformed('client_stalled', `no byte taken in ${this.#limits.stallTimeoutMs} ms`)
    this.abort('timeout')
  }

  #onClose(): void {
    this.#state = 'closed'
    this.#timer.stop()
    this.body.stop()
    const stream = this.#stream
    this.#stream = undefined
    try {
      if (this.tunnel?.isWhole) stream?.finish()
      else stream?.lose(this.#lossReason)
    } catch (error) {
      this.#options.handler.onMalformed('extension_failed', describeError(error))
    }
    this.#options.onClosed?.()
  }
}
