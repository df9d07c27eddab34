/**
 * The client side of an HTTP/1.1 connection: one request at a time.
 *
 *   idle ──request──▶ exchange ──answer and request through──▶ idle, or closed without keep-alive
 *    │ FIN, bytes        │ └─ 101 ─▶ tunnel ─ both ends ─▶ closed
 *    ▼                   ▼ reset, broken framing, more bytes than the answer had
 *  closed             closed
 */
import type { Socket } from 'node:net'
import type { RequestHead } from '../message.ts'
import { onBytes } from '../shared-read.ts'
import type { ClientConnection, ClientConnectionOwner, ClientSink, ClientStream } from '../stream.ts'
import { BodyReader } from './body-reader.ts'
import { Http1ClientStream } from './client-stream.ts'
import { badMessage, FramingFault } from './fault.ts'
import type { FieldMemory } from './framing.ts'
import { HeadBuffer } from './head-buffer.ts'
import { requestText } from './head-writer.ts'
import type { Http1Limits } from './limits.ts'
import type { OutputOwner } from './output.ts'
import { Output } from './output.ts'
import type { ParsedResponse } from './response-head.ts'
import { parseResponseHead } from './response-head.ts'

type State = 'idle' | 'exchange' | 'tunnel' | 'closed'

export interface Http1ClientOptions {
  owner: ClientConnectionOwner
  limits: Http1Limits
}

export class Http1ClientConnection implements ClientConnection, OutputOwner {
  readonly socket: Socket
  readonly output: Output
  readonly #owner: ClientConnectionOwner
  readonly #limits: Http1Limits
  readonly #head: HeadBuffer
  readonly #body: BodyReader
  readonly #memory: FieldMemory = []
  #state: State = 'idle'
  #stream: Http1ClientStream | undefined
  #isDraining = false
  #hasEnded = false
  #hasSentEnd = false
  /** Requests carried so far, the present one included. */
  requestCount = 0

  /** @param socket connected, with `allowHalfOpen`: a tunnel can end one way first. */
  constructor(socket: Socket, options: Http1ClientOptions) {
    this.socket = socket
    this.#owner = options.owner
    this.#limits = options.limits
    this.#head = new HeadBuffer({ limits: options.limits, maySkipLine: false })
    this.#body = new BodyReader(options.limits)
    this.output = new Output({ socket, bytesMax: options.limits.outputBytesMax, owner: this })
    onBytes(socket, (chunk) => this.#onData(chunk))
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

  /** @throws UnwritableMessage when the head can't be written; the connection stays idle. */
  request(head: RequestHead, sink: ClientSink, isEnd: boolean): ClientStream {
    if (this.#state !== 'idle') throw new Error('the connection has no room for a request')
    const text = requestText(head, isEnd ? 0 : head.bodyLength)
    this.#state = 'exchange'
    this.requestCount++
    this.#stream = new Http1ClientStream(this, { head, sink, isEnd })
    this.output.writeText(text)
    return this.#stream
  }

  drain(): void {
    this.#isDraining = true
    if (this.#state === 'idle') this.#close()
  }

  destroy(): void {
    this.#onLost('the connection was destroyed')
  }

  // What comes from the endpoint.

  #onData(chunk: Buffer): void {
    try {
      this.#read(chunk)
    } catch (error) {
      this.onFault(error)
    }
  }

  #read(chunk: Buffer): void {
    const stream = this.#stream
    // An answer that nobody asked for: never take it for the next one's (RFC 9112 section 11.2).
    if (stream === undefined) {
      this.#close()
      return
    }
    stream.hasBytes = true
    let position = 0
    while (position < chunk.length && !stream.isOver) {
      if (stream.isTunnel) {
        stream.sink.onData(position === 0 ? chunk : chunk.subarray(position))
        return
      }
      if (stream.hasHead) position = this.#body.read(chunk, position, stream)
      else if (this.#head.take(chunk, position)) {
        position = this.#head.next
        this.#readHead(stream, this.#head.text)
      } else return
      if (stream.hasAnswer) {
        this.#finish(stream, position < chunk.length)
        return
      }
    }
  }

  #readHead(stream: Http1ClientStream, text: string): void {
    const response = parseResponseHead(text, stream.method, this.#limits, this.#memory)
    const { head, body } = response
    if (head.status === 101) {
      this.#becomeTunnel(stream, response)
      return
    }
    if (head.status < 200) {
      if (++stream.informationalCount > this.#limits.informationalCountMax) {
        throw badMessage(`more than ${this.#limits.informationalCountMax} answers of 1xx`)
      }
      if (!response.isKeepAlive) stream.isLast = true
      stream.sink.onInformational(head.status, head.headers)
      return
    }
    stream.hasHead = true
    stream.isKeepAlive = response.isKeepAlive && !stream.isLast
    stream.isUnread = !stream.isWritten && !stream.isKeepAlive
    if (body === 'chunked') this.#body.startChunked()
    else if (body === 'until-close') this.#body.startUntilClose()
    else if (body === 'fixed') this.#body.startFixed(head.bodyLength)
    stream.hasAnswer = body === 'none' || (body === 'fixed' && head.bodyLength === 0)
    stream.sink.onHead(head, stream.hasAnswer)
  }

  /** Nobody asked for another protocol than the one named, and nobody speaks it before the request is through. */
  #becomeTunnel(stream: Http1ClientStream, { head }: ParsedResponse): void {
    if (stream.upgrade === '') throw badMessage('101 answers a request that asked for no upgrade')
    if (head.upgrade !== stream.upgrade) throw badMessage('101 switches to a protocol that was not asked for')
    if (!stream.isWritten) throw badMessage('101 came before the request was through')
    stream.hasHead = true
    stream.isTunnel = true
    this.#state = 'tunnel'
    stream.sink.onHead(head, false)
  }

  /** The answer has come to its end. `hasSurplus`: more came with it, so that the next answer could not be trusted. */
  #finish(stream: Http1ClientStream, hasSurplus: boolean): void {
    // Given up, or broken off, by the sink's last call.
    if (this.#stream !== stream) return
    this.#stream = undefined
    stream.finish()
    // The rest of a request that was answered early has no place any more, and its connection no use.
    if (hasSurplus || !stream.isKeepAlive || !stream.isWritten || this.#isDraining || this.#hasEnded) {
      this.#close()
      return
    }
    this.#state = 'idle'
    if (this.socket.isPaused()) this.socket.resume()
    this.#owner.onIdle(this)
  }

  #onEnd(): void {
    this.#hasEnded = true
    const stream = this.#stream
    if (stream?.isTunnel) {
      stream.sink.onEnd(undefined)
      return
    }
    if (stream?.hasHead && this.#body.isUntilClose) {
      this.#body.stop()
      stream.onBodyEnd(undefined)
      this.#finish(stream, false)
      return
    }
    const hasPart = stream?.hasBytes ?? false
    this.#onLost(
      hasPart ? 'the endpoint closed the connection within its answer' : 'the endpoint closed the connection',
    )
  }

  // What goes to it.

  /** Called by the stream: nothing more goes to the endpoint; bytes may still come from it. */
  endTunnel(): void {
    if (this.#hasSentEnd) return
    this.#hasSentEnd = true
    this.output.flush()
    this.socket.end()
  }

  /** Called by the stream: its owner gave up, and what is under way can't be told apart from what would follow. */
  abort(stream: Http1ClientStream): void {
    if (this.#stream !== stream) return
    this.#stream = undefined
    this.#close()
  }

  /** Called by the stream: the request is not what its head announced. The owner, who is writing, learns of it later. */
  breakOff(detail: string): void {
    const stream = this.#stream
    this.#stream = undefined
    this.#close()
    setImmediate(() => stream?.lose('protocol-error', detail))
  }

  onFull(): void {
    // The endpoint has the time that the request has.
  }

  onWritable(): void {
    this.#stream?.sink.onWritable()
  }

  onFlushed(): void {
    // Nobody waits for it on this side.
  }

  // What ends it.

  onFault(error: unknown): void {
    const isFraming = error instanceof FramingFault
    const stream = this.#stream
    this.#stream = undefined
    this.#close()
    stream?.lose(isFraming ? 'protocol-error' : 'cancelled', error instanceof Error ? error.message : String(error))
    // A mistake of ours is for the process to tell, when the others of this turn have had theirs.
    if (!isFraming) {
      setImmediate(() => {
        throw error
      })
    }
  }

  #onLost(detail: string): void {
    const stream = this.#stream
    const isWholeTunnel = this.#state === 'tunnel' && this.#hasEnded && this.#hasSentEnd
    this.#stream = undefined
    this.#close()
    if (isWholeTunnel) stream?.finish()
    else stream?.lose('connection-lost', detail)
  }

  /** Without a word to the stream. */
  #close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#body.stop()
    this.socket.destroy()
    this.#owner.onClosed(this)
  }
}
