/**
 * The client side of an HTTP/1.1 connection: one request at a time.
 *
 *   idle ──request──▶ exchange ──answer and request through──▶ idle, else closing
 *    │ FIN, bytes        │ 101 ──▶ tunnel        │ reset, broken framing
 *    ▼                   ▼                       ▼
 *  closed             closed                  closed
 */
import type { Socket } from 'node:net'
import type { HeaderList, RequestHead } from '../message.ts'
import { unknownLength } from '../message.ts'
import type { ClientConnection, ClientConnectionOwner, ClientSink, ClientStream, ResetReason } from '../stream.ts'
import type { BodyTarget } from './body-reader.ts'
import { BodyReader } from './body-reader.ts'
import { parseResponseHead } from './head.ts'
import { HeadBuffer } from './head-buffer.ts'
import { fieldLines, requestText } from './head-writer.ts'
import type { Http1Limits } from './limits.ts'
import { Output } from './output.ts'

type State = 'idle' | 'exchange' | 'tunnel' | 'closed'

export interface Http1ClientOptions {
  owner: ClientConnectionOwner
  limits: Http1Limits
}

export class Http1ClientConnection implements ClientConnection {
  readonly socket: Socket
  readonly output: Output
  readonly #owner: ClientConnectionOwner
  readonly #limits: Http1Limits
  readonly #head: HeadBuffer
  readonly body: BodyReader
  #state: State = 'idle'
  #stream: Http1ClientStream | undefined
  #isDraining = false
  #hasEnded = false
  /** Requests carried so far, the present one included. */
  requestCount = 0

  constructor(socket: Socket, options: Http1ClientOptions) {
    this.socket = socket
    this.#owner = options.owner
    this.#limits = options.limits
    this.#head = new HeadBuffer(options.limits)
    this.body = new BodyReader(options.limits)
    this.output = new Output({
      socket,
      bytesMax: options.limits.outputBytesMax,
      onWritable: () => this.#stream?.sink.onWritable(),
    })
    socket.on('data', (chunk: Buffer) => this.#onData(chunk))
    socket.on('end', () => this.#onEnd())
    socket.on('error', (error: NodeJS.ErrnoException) => this.#onLost(error.code ?? error.message))
    socket.on('close', () => this.#onLost('the connection was closed'))
  }

  get capacity(): number {
    return this.#state === 'idle' && !this.#isDraining ? 1 : 0
  }

  get active(): number {
    return this.#state === 'exchange' || this.#state === 'tunnel' ? 1 : 0
  }

  request(head: RequestHead, sink: ClientSink, isEnd: boolean): ClientStream {
    const text = requestText(isEnd && head.bodyLength === unknownLength ? { ...head, bodyLength: 0 } : head)
    this.#state = 'exchange'
    this.requestCount++
    const stream = new Http1ClientStream(this, head, sink, isEnd)
    this.#stream = stream
    this.output.writeText(text)
    return stream
  }

  drain(): void {
    this.#isDraining = true
    if (this.#state === 'idle') this.#lose()
  }

  destroy(): void {
    this.#onLost('cancelled')
  }

  /** Called by the stream: it gave up, and what is under way can't be told apart from what would follow. */
  abort(): void {
    this.#stream = undefined
    this.#lose()
  }

  /** Called by the stream when its request has been written to the end. */
  requestWritten(): void {
    if (this.#stream?.hasAnswer) this.#finish()
  }

  endTunnel(): void {
    this.output.flush()
    this.socket.end()
  }

  #onData(chunk: Buffer): void {
    if (this.#state === 'tunnel') {
      this.#stream!.sink.onData(chunk)
      return
    }
    // An answer that nobody asked for: never take it for the next one's (RFC 9112 section 11.2).
    if (this.#state !== 'exchange') {
      this.#lose()
      return
    }
    try {
      this.#read(chunk)
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error)
      const stream = this.#stream
      this.#stream = undefined
      this.#lose()
      stream?.sink.onReset('protocol-error', { wasSent: true, detail })
    }
  }

  #read(chunk: Buffer): void {
    let position = 0
    while (position < chunk.length) {
      const stream = this.#stream
      if (!stream || stream.hasAnswer) {
        this.#lose()
        return
      }
      if (stream.hasHead) {
        position = this.body.read(chunk, position, stream)
      } else {
        if (!this.#head.take(chunk, position)) return
        position = this.#head.next
        this.#onHead(stream, this.#head.text)
        if (this.#state === 'tunnel') {
          if (position < chunk.length) stream.sink.onData(chunk.subarray(position))
          return
        }
      }
    }
  }

  #onHead(stream: Http1ClientStream, text: string): void {
    const { head, isKeepAlive, isCloseDelimited } = parseResponseHead(text, stream.method, this.#limits)
    if (head.status === 101) {
      stream.hasHead = true
      stream.isTunnel = true
      this.#state = 'tunnel'
      stream.sink.onHead(head, false)
      return
    }
    if (head.status < 200) {
      stream.sink.onInformational(head.status, head.headers)
      return
    }
    stream.hasHead = true
    stream.isKeepAlive = isKeepAlive
    const hasNoBody = stream.method === 'HEAD' || head.status === 204 || head.status === 304 || head.bodyLength === 0
    if (hasNoBody) {
      stream.hasAnswer = true
      stream.sink.onHead(head, true)
      this.#finish()
      return
    }
    if (isCloseDelimited) this.body.startUntilClose()
    else if (head.bodyLength === unknownLength) this.body.startChunked()
    else this.body.startFixed(head.bodyLength)
    stream.sink.onHead(head, false)
  }

  /** Called by the stream when the answer's body is through, and when the request is, whichever comes last. */
  #finish(): void {
    const stream = this.#stream
    if (!stream) return
    if (!stream.isWritten) {
      // An early answer: the rest of the request has no place any more, and the connection no use.
      this.#stream = undefined
      this.#lose()
      return
    }
    this.#stream = undefined
    if (!stream.isKeepAlive || this.#isDraining || this.#hasEnded) {
      this.#lose()
      return
    }
    this.#state = 'idle'
    if (this.socket.isPaused()) this.socket.resume()
    this.#owner.onIdle(this)
  }

  answered(stream: Http1ClientStream, trailers: HeaderList | undefined): void {
    stream.hasAnswer = true
    stream.sink.onEnd(trailers)
    this.#finish()
  }

  #onEnd(): void {
    this.#hasEnded = true
    const stream = this.#stream
    if (this.#state === 'tunnel') stream!.sink.onEnd(undefined)
    else if (stream?.hasHead && this.body.isUntilClose) this.answered(stream, undefined)
    else this.#onLost('the endpoint closed the connection')
  }

  /** Closes without a word to the stream. */
  #lose(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.socket.destroy()
    this.#owner.onClosed(this)
  }

  #onLost(detail: string): void {
    const stream = this.#stream
    const wasTunnel = this.#state === 'tunnel'
    this.#stream = undefined
    this.#lose()
    if (!stream) return
    if (wasTunnel && this.#hasEnded && stream.isWritten) return
    stream.sink.onReset('connection-lost', { wasSent: stream.wasSent, detail })
  }
}

class Http1ClientStream implements ClientStream, BodyTarget {
  readonly #connection: Http1ClientConnection
  readonly sink: ClientSink
  readonly method: string
  hasHead = false
  hasAnswer = false
  isKeepAlive = false
  isWritten: boolean
  readonly #isChunked: boolean
  #remaining: number
  readonly #bytesBefore: number
  #isGivenUp = false
  isTunnel = false

  constructor(connection: Http1ClientConnection, head: RequestHead, sink: ClientSink, isEnd: boolean) {
    this.#connection = connection
    this.sink = sink
    this.method = head.method
    this.isWritten = isEnd
    this.#isChunked = head.bodyLength === unknownLength
    this.#remaining = head.bodyLength
    this.#bytesBefore = connection.socket.bytesWritten
  }

  /** Something of the request was handed to the system: the head leaves at the end of the turn that wrote it. */
  get wasSent(): boolean {
    return this.#connection.socket.bytesWritten > this.#bytesBefore
  }

  writeData(chunk: Uint8Array): boolean {
    const { output } = this.#connection
    if (this.#isGivenUp || chunk.length === 0) return true
    if (this.isTunnel) return output.writeBytes(chunk)
    if (this.isWritten) return true
    if (this.#isChunked) {
      output.writeText(`${chunk.length.toString(16)}\r\n`)
      output.writeBytes(chunk)
      output.writeText('\r\n')
      return !output.isFull
    }
    // More than was announced would be read as the next request.
    if (chunk.length > this.#remaining) {
      this.reset('protocol-error')
      return true
    }
    this.#remaining -= chunk.length
    return output.writeBytes(chunk)
  }

  writeEnd(trailers?: HeaderList): void {
    if (this.#isGivenUp) return
    if (this.isTunnel) {
      this.isWritten = true
      this.#connection.endTunnel()
    } else if (!this.isWritten) {
      if (!this.#isChunked && this.#remaining > 0) {
        this.reset('protocol-error')
        return
      }
      this.isWritten = true
      if (this.#isChunked) this.#connection.output.writeText(`0\r\n${trailers ? fieldLines(trailers) : ''}\r\n`)
      this.#connection.requestWritten()
    }
  }

  reset(_reason: ResetReason): void {
    if (this.#isGivenUp) return
    this.#isGivenUp = true
    if (!this.hasAnswer || !this.isWritten) this.#connection.abort()
  }

  pause(): void {
    if (!this.#isGivenUp) this.#connection.socket.pause()
  }

  resume(): void {
    this.#connection.socket.resume()
  }

  onBodyData(chunk: Uint8Array): void {
    if (!this.#isGivenUp) this.sink.onData(chunk)
  }

  onBodyEnd(trailers: HeaderList | undefined): void {
    if (!this.#isGivenUp) this.#connection.answered(this, trailers)
  }
}
