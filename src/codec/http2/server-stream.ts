/** One request of an HTTP/2 connection and its answer. */
import { UnwritableMessage } from '../http1/fault.ts'
import { isBodiless } from '../http1/response-head.ts'
import type { HeaderList, RequestHead, ResponseHead } from '../message.ts'
import { unknownLength } from '../message.ts'
import type { ResetReason, ServerSink, ServerStream } from '../stream.ts'
import { errorCodes } from './frame.ts'
import { writeInformational, writeResponse } from './response-fields.ts'
import type { Http2ServerConnection } from './server-connection.ts'
import { Http2Stream, resetCode } from './stream.ts'
import { addKey } from './websocket.ts'

export class Http2ServerStream extends Http2Stream implements ServerStream {
  readonly head: RequestHead
  readonly remoteAddress: string
  sink: ServerSink | undefined
  readonly #server: Http2ServerConnection
  #hasHead = false
  #hasContinued = false
  /** Of the body, still to be written; -1 when nobody knows. */
  #left = unknownLength
  #isBodiless = false
  #isFinished = false
  /** The client knows nothing of a key, nor of its proof. */
  readonly #isKeyOurs: boolean
  /** The end of a request to upgrade belongs to the tunnel. */
  #isTunnel = false
  /** A CONNECT that was granted: each side ends on its own. */
  #isConnected = false

  constructor(connection: Http2ServerConnection, id: number, head: RequestHead) {
    super(connection, id)
    this.#server = connection
    this.head = head
    this.#isKeyOurs = addKey(head)
    this.remoteAddress = connection.remoteAddress
    this.announcedBytes = head.upgrade === '' ? head.bodyLength : unknownLength
  }

  /** The answer is written to its end. */
  get isAnswered(): boolean {
    return this.isSendClosed
  }

  writeInformational(status: number, headers: HeaderList): void {
    if (this.isOver || this.#hasHead) return
    if (status === 100) {
      if (this.#hasContinued) return
      this.#hasContinued = true
    }
    writeInformational(this.connection.encoder, status, headers)
    this.connection.writer.headers(this.id, false)
  }

  /** @throws UnwritableMessage when a header can't be written, or the status is 101 and no upgrade was asked for. */
  writeHead(head: ResponseHead, isEnd: boolean): void {
    if (this.isOver) return
    if (this.#hasHead) throw new UnwritableMessage('the answer has a head already')
    const isSwitch = head.status === 101
    if (isSwitch && this.head.upgrade === '') {
      throw new UnwritableMessage('101 answers a request that asked for no upgrade')
    }
    writeResponse(this.connection.encoder, head, this.head.method, this.#isKeyOurs ? 'sec-websocket-accept' : '')
    this.#hasHead = true
    this.#isConnected = this.head.method === 'CONNECT' && head.status >= 200 && head.status < 300
    this.#isTunnel = isSwitch || this.#isConnected
    this.#isBodiless = !isSwitch && isBodiless(this.head.method, head.status)
    const isWhole = isEnd || this.#isBodiless
    this.#left = isSwitch || isWhole ? unknownLength : head.bodyLength
    this.connection.writer.headers(this.id, isWhole)
    if (isWhole) this.#finishSend()
    else if (isSwitch) this.resume()
  }

  writeData(chunk: Uint8Array): boolean {
    if (this.isOver || this.#isBodiless || chunk.length === 0) return true
    if (this.#left >= 0) {
      if (chunk.length > this.#left) {
        this.#break()
        return true
      }
      this.#left -= chunk.length
    }
    return this.send(chunk)
  }

  /** @throws UnwritableMessage when a trailer can't be written. */
  writeEnd(trailers?: HeaderList): void {
    if (this.isOver || this.isSendClosed) return
    if (this.#left > 0) {
      this.#break()
      return
    }
    this.sendEnd(trailers)
  }

  /** The answer is not what its head announced: the client must not take it for whole, and the owner learns of it later. */
  #break(): void {
    const { sink } = this
    this.sink = undefined
    this.resetWith(errorCodes.internalError)
    setImmediate(() => sink?.onReset('protocol-error'))
  }

  override closeSend(): void {
    const wasClosed = this.isSendClosed
    super.closeSend()
    if (!wasClosed) this.#finishSend()
  }

  /** `onFinished` when the last byte has left; a client that still sends is told to stop (RFC 9113 section 8.1). */
  #finishSend(): void {
    if (this.#isFinished) return
    this.#isFinished = true
    if (!this.isSendClosed) super.closeSend()
    this.#server.awaitFinish(this)
  }

  /** Called by the connection when the answer has left. */
  finish(): void {
    const { sink } = this
    // Of a tunnel this is one direction: what the client still says, and its end, are for the sink too.
    if (!this.#isTunnel) this.sink = undefined
    if (!this.isOver && !this.#isTunnel) this.resetWith(errorCodes.noError)
    sink?.onFinished()
  }

  /** The answer was written, and did not leave before the connection was lost. */
  miss(): void {
    this.deliverLoss('connection-lost')
  }

  reset(reason: ResetReason): void {
    if (this.isOver) return
    this.sink = undefined
    // RFC 9113 section 8.5: what goes wrong on the far side of the tunnel has a code of its own.
    const isFar = this.#isConnected && reason === 'connection-lost'
    this.resetWith(isFar ? errorCodes.connectError : resetCode(reason))
  }

  protected deliverData(chunk: Buffer): void {
    this.sink?.onData(chunk)
  }

  protected deliverEnd(trailers: HeaderList | undefined): void {
    this.sink?.onEnd(trailers)
  }

  deliverWritable(): void {
    this.sink?.onWritable()
  }

  protected deliverLoss(reason: ResetReason): void {
    const { sink } = this
    this.sink = undefined
    sink?.onReset(reason)
  }

  protected deliverClosed(): void {
    // The sink learns of it by `onFinished`.
  }
}
