/** One request on its way out over an HTTP/2 connection. */
import type { HeaderList, RequestHead } from '../message.ts'
import { unknownLength } from '../message.ts'
import type { ClientSink, ClientStream, ResetReason } from '../stream.ts'
import type { Http2ClientConnection } from './client-connection.ts'
import { errorCodes } from './frame.ts'
import { Http2Stream, resetCode } from './stream.ts'
import { proofFor } from './websocket.ts'

export class Http2ClientStream extends Http2Stream implements ClientStream {
  readonly sink: ClientSink
  readonly method: string
  /** The protocol asked for, empty for none. */
  readonly upgrade: string
  /** What the owner's client awaits beside 101; empty for nothing. */
  readonly websocketProof: string
  /** The answer's head has come. */
  hasHead = false
  hasBytes = false
  informationalCount = 0
  /** Where the request's head ends in the bytes of the connection. */
  sentMark = 0
  /** The server has not begun with it. */
  isRefused = false
  #left: number

  constructor(
    connection: Http2ClientConnection,
    options: { id: number; head: RequestHead; sink: ClientSink; isEnd: boolean },
  ) {
    super(connection, options.id)
    const { head, sink, isEnd } = options
    this.sink = sink
    this.method = head.method
    this.upgrade = head.upgrade
    this.websocketProof = head.upgrade === '' ? '' : proofFor(head)
    this.#left = isEnd || head.upgrade !== '' ? unknownLength : head.bodyLength
  }

  writeData(chunk: Uint8Array): boolean {
    if (this.isOver || chunk.length === 0) return true
    if (this.#left >= 0) {
      if (chunk.length > this.#left) {
        this.#breakOff('the body of the request is longer than its head announced')
        return true
      }
      this.#left -= chunk.length
    }
    return this.send(chunk)
  }

  writeEnd(trailers?: HeaderList): void {
    if (this.isOver || this.isSendClosed) return
    if (this.#left > 0) this.#breakOff('the body of the request is shorter than its head announced')
    else this.sendEnd(trailers)
  }

  /** The owner, who is writing, learns of it later. */
  #breakOff(detail: string): void {
    this.resetWith(errorCodes.cancel)
    setImmediate(() => this.deliverLoss('protocol-error', detail))
  }

  reset(reason: ResetReason): void {
    if (!this.isOver) this.resetWith(resetCode(reason === 'connection-lost' ? 'cancelled' : reason))
  }

  override announce(bytes: number): string {
    return this.hasHead ? super.announce(bytes) : 'DATA before the head of the answer'
  }

  /** Something of the request was handed to the system. */
  get wasSent(): boolean {
    return !this.isRefused && this.connection.output.sentBytes >= this.sentMark
  }

  protected deliverData(chunk: Buffer): void {
    this.sink.onData(chunk)
  }

  protected deliverEnd(trailers: HeaderList | undefined): void {
    // The rest of a request that was answered early has no reader (RFC 9113 section 8.1).
    if (!this.isSendClosed && this.upgrade === '') this.resetWith(errorCodes.noError)
    this.sink.onEnd(trailers)
  }

  deliverWritable(): void {
    this.sink.onWritable()
  }

  protected deliverLoss(reason: ResetReason, detail: string): void {
    this.sink.onReset(reason, { wasSent: this.wasSent, hasBytes: this.hasBytes, detail })
  }

  protected deliverClosed(): void {
    // The sink has had the end of the answer.
  }
}
