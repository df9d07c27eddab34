/** The client side of an HTTP/2 connection: many requests at a time. */
import type { Socket } from 'node:net'
import type { ErrorCodeName } from '#/std/errors.ts'
import { UnwritableMessage } from '../http1/fault.ts'
import { isBodiless } from '../http1/response-head.ts'
import type { HeaderList, RequestHead, ResponseHead } from '../message.ts'
import { onBytes } from '../shared-read.ts'
import type { ClientConnection, ClientConnectionOwner, ClientSink, ClientStream } from '../stream.ts'
import { Http2ClientStream } from './client-stream.ts'
import { Http2Connection } from './connection.ts'
import type { Http2ConnectionOptions } from './connection-core.ts'
import type { FieldList } from './field-list.ts'
import { writeFields } from './field-writer.ts'
import { errorCodes, Http2Fault, preface, settingIds } from './frame.ts'
import { codeName } from './frame-check.ts'
import { MessageFault, malformed } from './message-fault.ts'
import { writeRequest } from './request-fields.ts'
import { readResponse } from './response-fields.ts'
import { receiveTrailers } from './server-connection.ts'
import type { Http2Stream } from './stream.ts'
import { addProof } from './websocket.ts'

export interface Http2ClientOptions extends Http2ConnectionOptions {
  owner: ClientConnectionOwner
}

/** The last id that a client can give; one connection carries half of 2^31 requests. */
const streamIdMax = 0x7fffffff
/** Of a connection that is checked for life. */
const alivePing = Buffer.from('alive-ok')

export class Http2ClientConnection extends Http2Connection implements ClientConnection {
  readonly #owner: ClientConnectionOwner
  #nextId = 1
  #isDraining = false
  #isSpent = false
  #wasFull = false
  #awaitsPing = false

  constructor(socket: Socket, options: Http2ClientOptions) {
    super(socket, options)
    this.#owner = options.owner
    const { streamWindowBytes, headerBytesMax, headerTableBytesMax } = options.limits
    this.output.raw(preface)
    this.greet([
      [settingIds.headerTableSize, headerTableBytesMax],
      [settingIds.enablePush, 0],
      [settingIds.initialWindowSize, streamWindowBytes],
      [settingIds.maxHeaderListSize, headerBytesMax],
    ])
    onBytes(socket, (chunk) => this.read(chunk))
  }

  get capacity(): number {
    if (this.#isDraining || this.#isSpent) return 0
    return Math.max(0, Math.min(this.peer.streamsMax, this.limits.streamsMax) - this.streams.size)
  }

  get active(): number {
    return this.streams.size
  }

  /** The server takes extended CONNECT (RFC 8441): WebSocket can cross. */
  get takesUpgrade(): boolean {
    return this.peer.takesConnectProtocol
  }

  /** @throws UnwritableMessage when the head can't be written; nothing of it was. */
  request(head: RequestHead, sink: ClientSink, isEnd: boolean): ClientStream {
    if (this.capacity === 0) throw new Error('the connection has no room for a request')
    if (head.upgrade !== '' && !this.takesUpgrade) {
      throw new UnwritableMessage('the server takes no upgrade over HTTP/2 (RFC 8441)')
    }
    const isWhole = isEnd && head.upgrade === ''
    writeRequest(this.encoder, head, isWhole ? 0 : head.bodyLength)
    const stream = new Http2ClientStream(this, { id: this.#nextId, head, sink, isEnd })
    this.#nextId += 2
    this.add(stream)
    this.writer.headers(stream.id, isWhole)
    stream.sentMark = this.output.writtenBytes
    if (isWhole) stream.closeSend()
    this.#wasFull = this.capacity === 0
    if (this.#nextId > streamIdMax) this.drain()
    return stream
  }

  // What comes from the server.

  protected onHeaders(streamId: number, fields: FieldList, isEnd: boolean, wrong: string): void {
    const stream = this.streams.get(streamId) as Http2ClientStream | undefined
    if (stream === undefined) {
      if (this.isIdleStream(streamId)) {
        throw new Http2Fault(errorCodes.protocolError, `HEADERS on stream ${streamId}, which was never opened`)
      }
      this.watch.countIdleFrame('HEADERS for closed streams')
      return
    }
    stream.hasBytes = true
    stream.movedBytes++
    if (stream.isReceiveClosed) stream.fail(errorCodes.streamClosed, 'protocol-error', 'HEADERS behind the end')
    else if (!stream.hasHead) this.#readHead(stream, fields, isEnd, wrong)
    else if (!isEnd) stream.fail(errorCodes.protocolError, 'protocol-error', 'a second head')
    else receiveTrailers(stream, fields, wrong)
  }

  #readHead(stream: Http2ClientStream, fields: FieldList, isEnd: boolean, wrong: string): void {
    try {
      if (wrong !== '') throw malformed(wrong)
      const head = readResponse(fields, { method: stream.method, upgrade: stream.upgrade, isEnd })
      if (head.status < 200 && head.status !== 101) this.#takeInformational(stream, head, isEnd)
      else this.#takeHead(stream, head, isEnd)
    } catch (error) {
      if (!(error instanceof MessageFault)) throw error
      stream.fail(errorCodes.protocolError, 'protocol-error', error.message)
    }
  }

  #takeInformational(stream: Http2ClientStream, { status, headers }: ResponseHead, isEnd: boolean): void {
    if (isEnd) throw malformed('an answer of 1xx ends the stream')
    if (++stream.informationalCount > this.limits.informationalCountMax) {
      throw malformed(`more than ${this.limits.informationalCountMax} answers of 1xx`)
    }
    stream.sink.onInformational(status, headers)
  }

  #takeHead(stream: Http2ClientStream, head: ResponseHead, isEnd: boolean): void {
    stream.hasHead = true
    if (head.status === 101) addProof(head, stream.websocketProof)
    else stream.announcedBytes = isBodiless(stream.method, head.status) ? 0 : head.bodyLength
    if (!isEnd) {
      stream.sink.onHead(head, false)
      return
    }
    // Settled before the sink hears of it, which may start the next request.
    stream.isReceiveClosed = true
    if (stream.isSendClosed) {
      stream.isOver = true
      this.wholeStreamCount++
      this.remove(stream)
    } else stream.resetWith(errorCodes.noError)
    stream.sink.onHead(head, true)
  }

  protected override onStreamReset(stream: Http2Stream, code: number): void {
    // A server may answer early and stop the rest of the request by NO_ERROR; the answer has come whole then.
    if (code === errorCodes.refusedStream) (stream as Http2ClientStream).isRefused = true
    super.onStreamReset(stream, code)
  }

  protected isIdleStream(streamId: number): boolean {
    return streamId % 2 === 0 || streamId >= this.#nextId
  }

  /** Streams above the last one were not begun with: they may be sent again by anyone. */
  protected onGoaway(lastStream: number, code: number, detail: string): void {
    this.#spend()
    for (const stream of this.streams.list()) {
      if (stream.id <= lastStream) continue
      ;(stream as Http2ClientStream).isRefused = true
      stream.lose('refused', `the server ends the connection (${codeName(code)}${detail === '' ? '' : `: ${detail}`})`)
    }
    if (this.streams.size === 0) this.close()
  }

  protected onPeerSettings(): void {
    this.#tellCapacity()
  }

  protected onPingAck(payload: Buffer): void {
    if (payload.equals(alivePing)) this.#awaitsPing = false
  }

  // What goes to it.

  sendTrailers(stream: Http2Stream, trailers: HeaderList): void {
    this.encoder.begin()
    writeFields(this.encoder, trailers, '')
    this.writer.headers(stream.id, true)
  }

  override remove(stream: Http2Stream): void {
    super.remove(stream)
    this.#tellCapacity()
  }

  /** Once the connection that was full, or idle, can take requests. */
  #tellCapacity(): void {
    if (this.capacity === 0 || this.isEnding) return
    if (!this.#wasFull && this.streams.size > 0) return
    this.#wasFull = false
    this.#owner.onIdle(this)
  }

  // The end.

  drain(): void {
    this.#isDraining = true
    if (this.streams.size === 0) this.#end()
  }

  #end(): void {
    this.#spend()
    if (this.isEnding) return
    this.writer.goaway(0, errorCodes.noError, '')
    this.close()
  }

  /** It carries no further requests. */
  #spend(): void {
    if (this.#isSpent) return
    this.#isSpent = true
    this.#owner.onClosed(this)
  }

  protected onNoStreams(): void {
    if (this.#isDraining || this.#isSpent) this.#end()
  }

  /** A connection that nobody uses is the pool's to close; whether the other side is still there is asked. */
  onIdleTooLong(): void {
    if (this.#awaitsPing) {
      this.destroy()
      return
    }
    this.#askForLife()
    this.watch.start()
  }

  protected override onSilence(ms: number): void {
    const { keepaliveMs } = this.limits
    if (keepaliveMs === 0 || ms < keepaliveMs) return
    if (!this.#awaitsPing) this.#askForLife()
    else if (ms >= 2 * keepaliveMs) this.destroy(`no answer to a PING in ${keepaliveMs} ms`)
  }

  #askForLife(): void {
    this.#awaitsPing = true
    this.writer.ping(alivePing, false)
  }

  /** The answer has the time that its request has; only what the server does not take is its fault. */
  protected mayStall(stream: Http2Stream): boolean {
    return stream.isSendBlocked
  }

  protected onBroken(_reason: ErrorCodeName, _detail: string): void {
    this.#spend()
  }

  protected onGone(): void {
    this.#spend()
  }
}
