/** One request of an HTTP/1.1 connection and its answer. */
import type { HeaderList, RequestHead, ResponseHead } from '../message.ts'
import type { ResetReason, ServerSink, ServerStream } from '../stream.ts'
import type { BodyTarget } from './body-reader.ts'
import type { BodyFraming } from './head-writer.ts'
import { fieldLines, informationalText, responseFraming, responseText } from './head-writer.ts'
import type { Http1ServerConnection } from './server-connection.ts'

export class Http1ServerStream implements ServerStream, BodyTarget {
  readonly head: RequestHead
  readonly #connection: Http1ServerConnection
  readonly #isKeepAlive: boolean
  sink: ServerSink | undefined
  hasWrittenHead = false
  #framing: BodyFraming = 'none'
  #remaining = 0
  #isDone = false
  #isTunnel = false

  constructor(connection: Http1ServerConnection, head: RequestHead, isKeepAlive: boolean) {
    this.#connection = connection
    this.head = head
    this.#isKeepAlive = isKeepAlive
  }

  get remoteAddress(): string {
    return this.#connection.socket.remoteAddress ?? ''
  }

  writeInformational(status: number, headers: HeaderList): void {
    if (this.#isDone || this.hasWrittenHead || this.head.version === 'HTTP/1.0') return
    this.#connection.output.writeText(informationalText(status, headers))
  }

  writeHead(head: ResponseHead, isEnd: boolean): void {
    if (this.#isDone) return
    const isOldClient = this.head.version === 'HTTP/1.0'
    const framing = { method: this.head.method, isOldClient, isKeepAlive: this.#mayKeepAlive() }
    this.#framing = responseFraming(head, framing, isEnd)
    if (this.#framing === 'until-close') framing.isKeepAlive = false
    this.#connection.output.writeText(responseText(head, framing, this.#framing))
    this.hasWrittenHead = true
    this.#remaining = this.#framing === 'fixed' ? Math.max(0, head.bodyLength) : 0
    if (head.status === 101) {
      this.#isTunnel = true
      this.#connection.becomeTunnel()
    } else if (isEnd) this.writeEnd()
  }

  #mayKeepAlive(): boolean {
    return this.#isKeepAlive && !this.#connection.isDraining
  }

  writeData(chunk: Uint8Array): boolean {
    if (this.#isDone || chunk.length === 0) return true
    const { output } = this.#connection
    if (this.#isTunnel || this.#framing === 'until-close') return output.writeBytes(chunk)
    if (this.#framing === 'none') return true
    if (this.#framing === 'fixed') {
      // More than was announced would be read as the next answer.
      if (chunk.length > this.#remaining) {
        this.reset('protocol-error')
        return true
      }
      this.#remaining -= chunk.length
      return output.writeBytes(chunk)
    }
    output.writeText(`${chunk.length.toString(16)}\r\n`)
    output.writeBytes(chunk)
    output.writeText('\r\n')
    return !output.isFull
  }

  writeEnd(trailers?: HeaderList): void {
    if (this.#isDone) return
    if (this.#isTunnel) {
      this.#connection.endTunnel()
      return
    }
    if (this.#framing === 'fixed' && this.#remaining > 0) {
      this.reset('protocol-error')
      return
    }
    this.#isDone = true
    if (this.#framing === 'chunked')
      this.#connection.output.writeText(`0\r\n${trailers ? fieldLines(trailers) : ''}\r\n`)
    this.#connection.answered(this, this.#isKeepAlive && this.#framing !== 'until-close')
  }

  reset(_reason: ResetReason): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#connection.abort()
  }

  pause(): void {
    this.#connection.socket.pause()
  }

  resume(): void {
    this.#connection.socket.resume()
  }

  onBodyData(chunk: Uint8Array): void {
    this.sink?.onData(chunk)
  }

  onBodyEnd(trailers: HeaderList | undefined): void {
    this.sink?.onEnd(trailers)
  }
}
