/** One request on its way out over an HTTP/1.1 connection. */
import type { HeaderList, RequestHead } from '../message.ts'
import { unknownLength } from '../message.ts'
import type { ClientSink, ClientStream, ResetReason } from '../stream.ts'
import type { BodyTarget } from './body-reader.ts'
import type { Http1ClientConnection } from './client-connection.ts'
import { fieldLines } from './head-writer.ts'

export class Http1ClientStream implements ClientStream, BodyTarget {
  readonly #connection: Http1ClientConnection
  readonly sink: ClientSink
  readonly method: string
  /** The protocol asked for, empty for none. */
  readonly upgrade: string
  /** The answer's head has come. */
  hasHead = false
  /** The answer has come to its end. */
  hasAnswer = false
  /** Something of the answer has come. */
  hasBytes = false
  /** The answer leaves the connection fit for a further request. */
  isKeepAlive = false
  informationalCount = 0
  /** An interim answer said that the connection ends behind the answer, or announced a body that it can't have. */
  isLast = false
  /** The request has been written to its end. */
  isWritten: boolean
  isTunnel = false
  /** The endpoint has answered and will close: the rest of the request has no reader. */
  isUnread = false
  /** Nothing more comes to the sink. */
  isOver = false
  #remaining: number
  readonly #isChunked: boolean
  readonly #bytesBefore: number

  constructor(connection: Http1ClientConnection, options: { head: RequestHead; sink: ClientSink; isEnd: boolean }) {
    const { head, sink, isEnd } = options
    this.#connection = connection
    this.sink = sink
    this.method = head.method
    this.upgrade = head.upgrade
    this.isWritten = isEnd
    this.#isChunked = head.bodyLength === unknownLength
    this.#remaining = isEnd || this.#isChunked ? 0 : head.bodyLength
    this.#bytesBefore = connection.socket.bytesWritten
  }

  /** Something of the request was handed to the system: the head leaves at the end of the turn that wrote it. */
  get wasSent(): boolean {
    return this.#connection.socket.bytesWritten > this.#bytesBefore
  }

  writeData(chunk: Uint8Array): boolean {
    const { output } = this.#connection
    if (this.isOver || chunk.length === 0) return true
    if (this.isTunnel) return output.writeBytes(chunk)
    if (this.isWritten || this.isUnread) return true
    if (this.#isChunked) {
      output.writeText(`${chunk.length.toString(16)}\r\n`)
      return output.writeBytes(chunk, '\r\n')
    }
    // More than was announced would be read as the next request.
    if (chunk.length > this.#remaining) {
      this.#connection.breakOff('the body of the request is longer than its head announced')
      return true
    }
    this.#remaining -= chunk.length
    return output.writeBytes(chunk)
  }

  /** @throws UnwritableMessage when a trailer can't be written. */
  writeEnd(trailers?: HeaderList): void {
    if (this.isOver) return
    if (this.isTunnel) {
      this.#connection.endTunnel()
      return
    }
    if (this.isWritten || this.isUnread) return
    if (this.#remaining > 0) {
      this.#connection.breakOff('the body of the request is shorter than its head announced')
      return
    }
    if (this.#isChunked) this.#connection.output.writeText(`0\r\n${trailers ? fieldLines(trailers) : ''}\r\n`)
    this.isWritten = true
  }

  reset(_reason: ResetReason): void {
    if (this.isOver) return
    this.isOver = true
    this.#connection.abort(this)
  }

  pause(): void {
    if (!this.isOver) this.#connection.socket.pause()
  }

  resume(): void {
    if (!this.isOver) this.#connection.socket.resume()
  }

  onBodyData(chunk: Uint8Array): void {
    if (!this.isOver) this.sink.onData(chunk)
  }

  onBodyEnd(trailers: HeaderList | undefined): void {
    this.hasAnswer = true
    if (!this.isOver) this.sink.onEnd(trailers)
  }

  // Called by the connection.

  /** Everything is through, or the endpoint's end of it is of no use any more. */
  finish(): void {
    this.isOver = true
  }

  lose(reason: ResetReason, detail: string): void {
    if (this.isOver) return
    this.isOver = true
    this.sink.onReset(reason, { wasSent: this.wasSent, hasBytes: this.hasBytes, detail })
  }
}
