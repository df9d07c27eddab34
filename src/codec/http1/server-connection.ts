/**
 * The server side of an HTTP/1.1 connection (RFC 9112).
 *
 *            head whole              answer and body through
 *   idle ──────────────▶ exchange ──────────────────────────▶ idle (keep-alive), else closing
 *    │  malformed           │ 101                 │ reset
 *    ▼                      ▼                     ▼
 *   closing ◀───────── tunnel (raw bytes)      closed
 *
 * One exchange at a time: a pipelined request waits, unread past a limit, until the answer before it is through.
 */
import type { Socket } from 'node:net'
import type { ErrorCodeName } from '#/std/errors.ts'
import { errorCodes } from '#/std/errors.ts'
import type { ServerHandler } from '../stream.ts'
import type { TimerWheel } from '../timer-wheel.ts'
import { WheelTimer } from '../timer-wheel.ts'
import { BodyReader } from './body-reader.ts'
import { FramingFault } from './fault.ts'
import { parseRequestHead } from './head.ts'
import { HeadBuffer } from './head-buffer.ts'
import { responseText } from './head-writer.ts'
import type { Http1Limits } from './limits.ts'
import { Output } from './output.ts'
import { Http1ServerStream } from './server-stream.ts'

export interface Http1ServerOptions {
  handler: ServerHandler
  limits: Http1Limits
  /** A coarse wheel shared by all connections. */
  wheel: TimerWheel
  /** Called once when the connection is gone. */
  onClosed?: () => void
}

/** How long a refused client may take to read its answer before the connection is cut, ms. */
const lingerMs = 1000

type State = 'idle' | 'exchange' | 'tunnel' | 'closing' | 'closed'

export class Http1ServerConnection {
  readonly socket: Socket
  readonly output: Output
  readonly body: BodyReader
  readonly #options: Http1ServerOptions
  readonly #head: HeadBuffer
  readonly #timer: WheelTimer
  #state: State = 'idle'
  #stream: Http1ServerStream | undefined
  #held: Buffer[] = []
  #heldBytes = 0
  #isDraining = false
  #hasEnded = false
  #hasSentEnd = false
  #isReading = false

  constructor(socket: Socket, options: Http1ServerOptions) {
    this.socket = socket
    this.#options = options
    this.#head = new HeadBuffer(options.limits)
    this.body = new BodyReader(options.limits)
    this.output = new Output({
      socket,
      bytesMax: options.limits.outputBytesMax,
      onWritable: () => this.#stream?.sink?.onWritable(),
    })
    this.#timer = new WheelTimer(() => this.#timedOut())
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('end', () => this.#onEnd())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#onClose())
    options.wheel.set(this.#timer, options.limits.idleTimeoutMs)
  }

  get isDraining(): boolean {
    return this.#isDraining
  }

  /** No request is under way. */
  get isIdle(): boolean {
    return this.#state === 'idle' && !this.#head.hasPartial
  }

  /** Closes when idle, else after the answer under way, which says `connection: close`. */
  drain(): void {
    this.#isDraining = true
    if (this.isIdle) this.socket.end()
  }

  destroy(): void {
    this.socket.destroy()
  }

  #onData(chunk: Buffer): void {
    if (this.#state === 'idle' || (this.#state === 'exchange' && this.#heldBytes === 0)) this.#read(chunk)
    else if (this.#state === 'tunnel') this.#stream!.sink!.onData(chunk)
    else if (this.#state === 'exchange') this.#hold(chunk)
  }

  #hold(chunk: Buffer): void {
    this.#held.push(chunk)
    this.#heldBytes += chunk.length
    if (this.#heldBytes > this.#options.limits.pipelinedBytesMax) this.socket.pause()
  }

  /** Reads messages until the bytes are used up or must wait. */
  #read(chunk: Buffer): void {
    this.#isReading = true
    try {
      let position = 0
      while (position < chunk.length) {
        if (this.#state === 'idle') {
          if (!this.#head.take(chunk, position)) {
            if (this.#head.hasPartial) this.#options.wheel.set(this.#timer, this.#options.limits.headerTimeoutMs)
            break
          }
          position = this.#head.next
          this.#begin(this.#head.text)
        } else if (this.#state === 'exchange' && !this.body.isDone) {
          position = this.body.read(chunk, position, this.#stream!)
        } else if (this.#state === 'tunnel') {
          this.#stream!.sink!.onData(chunk.subarray(position))
          break
        } else {
          if (this.#state === 'exchange') this.#hold(chunk.subarray(position))
          break
        }
      }
    } catch (error) {
      this.#malformed(error)
    } finally {
      this.#isReading = false
    }
    this.#resumeHeld()
  }

  #begin(text: string): void {
    const { handler, limits, wheel } = this.#options
    const { head, isKeepAlive } = parseRequestHead(text, limits)
    wheel.cancel(this.#timer)
    this.#state = 'exchange'
    if (head.bodyLength > 0) this.body.startFixed(head.bodyLength)
    else if (head.bodyLength < 0) this.body.startChunked()
    const stream = new Http1ServerStream(this, head, isKeepAlive)
    this.#stream = stream
    stream.sink = handler.onStream(stream)
    // A request to upgrade has no end yet: what follows its answer belongs to the tunnel.
    if (head.bodyLength === 0 && head.upgrade === '') stream.onBodyEnd(undefined)
  }

  /** Called by the stream: the answer is 101 and has been written. */
  becomeTunnel(): void {
    this.#state = 'tunnel'
    if (!this.#isReading) this.#resumeHeld()
  }

  /** Called by the stream: nothing more goes to the client; bytes may still come from it. */
  endTunnel(): void {
    this.#hasSentEnd = true
    this.output.flush()
    this.socket.end()
  }

  /** Called by the stream: its answer has been written to the end. */
  answered(stream: Http1ServerStream, mayKeepAlive: boolean): void {
    if (this.#stream !== stream || this.#state === 'closed') return
    this.output.flush()
    stream.sink?.onFinished()
    const keeps = mayKeepAlive && this.body.isDone && !this.#isDraining && this.#state === 'exchange'
    this.#stream = undefined
    if (!keeps) {
      this.#close()
      return
    }
    this.#state = 'idle'
    if (this.socket.isPaused() && this.#heldBytes === 0) this.socket.resume()
    this.#options.wheel.set(this.#timer, this.#options.limits.idleTimeoutMs)
    if (this.#hasEnded && this.#heldBytes === 0) this.#close()
    else if (!this.#isReading) this.#resumeHeld()
  }

  #resumeHeld(): void {
    if (this.#heldBytes === 0 || this.#state === 'exchange') return
    const chunk = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    this.socket.resume()
    if (this.#state === 'idle') this.#read(chunk)
    else if (this.#state === 'tunnel') this.#stream!.sink!.onData(chunk)
  }

  /** The exchange can't go on: nothing of it may be mistaken for the next. */
  abort(): void {
    this.#stream = undefined
    this.#state = 'closed'
    this.socket.destroy()
  }

  #malformed(error: unknown): void {
    const isFraming = error instanceof FramingFault
    const code: ErrorCodeName = isFraming ? error.code : 'extension_failed'
    const detail = isFraming
      ? error.message
      : `${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
    this.#options.handler.onMalformed(code, detail)
    const stream = this.#stream
    const hasAnswer = stream?.hasWrittenHead ?? false
    this.#stream = undefined
    stream?.sink?.onReset('protocol-error')
    if (hasAnswer) {
      this.abort()
      return
    }
    this.#refuse(code, isFraming ? detail : '')
  }

  #refuse(code: ErrorCodeName, detail: string): void {
    const { status, meaning } = errorCodes[code]
    const text = `${code}: ${meaning}${detail === '' ? '' : ` (${detail})`}\n`
    const headers = ['content-type', 'text/plain; charset=utf-8', 'weft-detail', `${code}; ${detail}`]
    const framing = { method: 'GET', isOldClient: false, isKeepAlive: false }
    const head = { status, headers, bodyLength: Buffer.byteLength(text), upgrade: '' }
    this.output.writeText(responseText(head, framing, 'fixed'))
    this.output.writeBytes(Buffer.from(text))
    this.#close()
  }

  /** Lets the peer read what was written, then cuts: closing at once could cost it the answer (RFC 9112 section 9.6). */
  #close(): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#state = 'closing'
    this.#held = []
    this.#heldBytes = 0
    this.output.flush()
    this.socket.resume()
    this.socket.end()
    this.#options.wheel.set(this.#timer, lingerMs)
  }

  #timedOut(): void {
    if (this.#state === 'idle' && this.#head.hasPartial) {
      this.#options.handler.onMalformed(
        'request_header_timeout',
        `no whole head in ${this.#options.limits.headerTimeoutMs} ms`,
      )
      this.#refuse('request_header_timeout', `${this.#options.limits.headerTimeoutMs} ms`)
    } else if (this.#state === 'idle') this.#close()
    else this.socket.destroy()
  }

  /**
   * The client has finished sending. A tunnel is half closed. Else it is gone: few clients half-close and wait, many leave, and
   * who is gone should cost its destination nothing more (Envoy and nginx read it so too).
   */
  #onEnd(): void {
    this.#hasEnded = true
    if (this.#state === 'tunnel') this.#stream!.sink!.onEnd(undefined)
    else if (this.#state === 'exchange') this.#onClose()
    else if (this.#state === 'idle') this.#close()
  }

  #onClose(): void {
    if (this.#state === 'closed' && this.socket.closed) {
      this.#options.onClosed?.()
      return
    }
    this.#state = 'closed'
    this.#options.wheel.cancel(this.#timer)
    const stream = this.#stream
    this.#stream = undefined
    if (!this.socket.destroyed) this.socket.destroy()
    if (this.#hasEnded && this.#hasSentEnd) stream?.sink?.onFinished()
    else stream?.sink?.onReset('connection-lost')
    if (this.socket.closed) this.#options.onClosed?.()
  }
}
