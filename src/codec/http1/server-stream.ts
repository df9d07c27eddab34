/** One request of an HTTP/1.1 connection and its answer. */
import type { HeaderList, RequestHead, ResponseHead } from '../message.ts'
import type { ResetReason, ServerSink, ServerStream } from '../stream.ts'
import type { BodyTarget } from './body-reader.ts'
import { UnwritableMessage } from './fault.ts'
import type { AnswerTerms } from './head-writer.ts'
import { answerFraming, fieldLines, informationalText, responseText } from './head-writer.ts'
import type { ParsedRequest } from './request-head.ts'
import type { BodyFraming } from './response-head.ts'
import type { Http1ServerConnection } from './server-connection.ts'

export class Http1ServerStream implements ServerStream, BodyTarget {
  readonly head: RequestHead
  readonly remoteAddress: string
  readonly #connection: Http1ServerConnection
  readonly #wantsKeepAlive: boolean
  sink: ServerSink | undefined
  /** The answer's head is out. */
  hasHead = false
  /** Nothing of the answer is to be written any more. */
  isDone = false
  /** All of the answer is out. */
  isWhole = false
  /** The answer leaves the connection fit for a further request. */
  isKeepAlive = false
  /** Nothing more comes to the sink. */
  isOver = false
  #hasContinued = false
  #isTunnel = false
  #framing: BodyFraming = 'none'
  #remaining = 0

  constructor(connection: Http1ServerConnection, { head, isKeepAlive }: ParsedRequest) {
    this.#connection = connection
    this.head = head
    this.remoteAddress = connection.remoteAddress
    this.#wantsKeepAlive = isKeepAlive
  }

  /** The end of the answer is the end of the connection: nothing else tells it from one that was cut. */
  get isUntilClose(): boolean {
    return this.#framing === 'until-close'
  }

  writeInformational(status: number, headers: HeaderList): void {
    if (this.isDone || this.hasHead || this.head.version === 'HTTP/1.0') return
    const text = informationalText(status, headers)
    if (status === 100) {
      if (this.#hasContinued) return
      this.#hasContinued = true
    }
    this.#connection.output.writeText(text)
  }

  /** @throws UnwritableMessage when a header can't be written, or the status is 101 and no upgrade was asked for. */
  writeHead(head: ResponseHead, isEnd: boolean): void {
    if (this.isDone) return
    if (this.hasHead) throw new UnwritableMessage('the answer has a head already')
    const isSwitch = head.status === 101
    if (isSwitch && (this.head.upgrade === '' || head.upgrade === '')) {
      throw new UnwritableMessage('101 answers a request that asked for no upgrade')
    }
    const isOldClient = this.head.version === 'HTTP/1.0'
    const terms: AnswerTerms = { method: this.head.method, isOldClient, isKeepAlive: this.#mayKeepAlive() }
    const framing = answerFraming(head, terms, isEnd)
    if (framing === 'until-close') terms.isKeepAlive = false
    this.#connection.output.writeText(responseText(head, terms, framing))
    this.hasHead = true
    this.isKeepAlive = terms.isKeepAlive
    this.#framing = framing
    this.#remaining = framing === 'fixed' && !(isEnd && head.bodyLength < 0) ? head.bodyLength : 0
    if (isSwitch) {
      this.#isTunnel = true
      this.#connection.becomeTunnel()
    } else if (isEnd) this.writeEnd()
  }

  /**
   * A client that waits for 100 may send its body after another answer or not: nobody can tell, so nothing can follow
   * (RFC 9110 section 10.1.1).
   */
  #mayKeepAlive(): boolean {
    if (!this.#wantsKeepAlive || this.#connection.isDraining) return false
    return !(this.head.expectsContinue && !this.#hasContinued && !this.#connection.body.hasBegun)
  }

  writeData(chunk: Uint8Array): boolean {
    if (this.isDone || chunk.length === 0) return true
    const { output } = this.#connection
    switch (this.#framing) {
      case 'none':
        return this.#isTunnel ? output.writeBytes(chunk) : true
      case 'until-close':
        return output.writeBytes(chunk)
      case 'fixed':
        // More than was announced would be read as the next answer.
        if (chunk.length > this.#remaining) {
          this.#break()
          return true
        }
        this.#remaining -= chunk.length
        return output.writeBytes(chunk)
      case 'chunked':
        output.writeText(`${chunk.length.toString(16)}\r\n`)
        return output.writeBytes(chunk, '\r\n')
    }
  }

  /** @throws UnwritableMessage when a trailer can't be written. */
  writeEnd(trailers?: HeaderList): void {
    if (this.isDone) return
    if (this.#isTunnel) {
      this.#connection.tunnel?.end()
      return
    }
    if (this.#remaining > 0) {
      this.#break()
      return
    }
    if (this.#framing === 'chunked') {
      this.#connection.output.writeText(`0\r\n${trailers ? fieldLines(trailers) : ''}\r\n`)
    }
    this.isDone = true
    this.isWhole = true
    this.#connection.output.awaitFlush()
  }

  reset(_reason: ResetReason): void {
    if (this.isOver) return
    this.isOver = true
    this.isDone = true
    this.sink = undefined
    this.#connection.abort()
  }

  /** The answer is not what its head announced: the client must not take it for whole, and the owner learns of it later. */
  #break(): void {
    this.isDone = true
    this.#connection.abort('protocol-error')
  }

  pause(): void {
    if (!this.isOver) this.#connection.gate.pause()
  }

  resume(): void {
    if (!this.isOver) this.#connection.gate.resume()
  }

  onBodyData(chunk: Uint8Array): void {
    this.sink?.onData(chunk)
  }

  onBodyEnd(trailers: HeaderList | undefined): void {
    this.sink?.onEnd(trailers)
  }

  // Called by the connection, either of them once.

  finish(): void {
    this.isOver = true
    const { sink } = this
    this.sink = undefined
    sink?.onFinished()
  }

  lose(reason: ResetReason): void {
    this.isOver = true
    this.isDone = true
    const { sink } = this
    this.sink = undefined
    sink?.onReset(reason)
  }
}
