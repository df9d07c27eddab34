/** The server side of an HTTP/2 connection (RFC 9113), with prior knowledge, by ALPN, or by an upgrade of HTTP/1.1. */

import type { Socket } from 'node:net'
import type { ErrorCodeName } from '#/std/errors.ts'
import { errorCodes as answers } from '#/std/errors.ts'
import type { HeaderList, RequestHead } from '../message.ts'
import { shorten } from '../message.ts'
import { onBytes } from '../shared-read.ts'
import type { ServerHandler } from '../stream.ts'
import { Http2Connection, tooLarge } from './connection.ts'
import type { Http2ConnectionOptions } from './connection-core.ts'
import type { FieldList } from './field-list.ts'
import { writeFields } from './field-writer.ts'
import { errorCodes, Http2Fault, preface, settingIds, windowBytesMax } from './frame.ts'
import { MessageFault, malformed } from './message-fault.ts'
import { readRequest, readTrailers } from './request-fields.ts'
import { writeResponse } from './response-fields.ts'
import { Http2ServerStream } from './server-stream.ts'
import type { Http2Stream } from './stream.ts'

/** Of the PING that tells when the client has read the first GOAWAY. */
const drainPing = Buffer.from('goaway-1')

export interface Http2ServerOptions extends Http2ConnectionOptions {
  handler: ServerHandler
  /** Called once when the connection is gone. */
  onClosed?: () => void
  /** A request of HTTP/1.1 that asked for h2c and was answered 101: it is stream 1, half closed by the client. */
  upgraded?: { head: RequestHead; settings: Buffer }
}

export class Http2ServerConnection extends Http2Connection {
  /** Of the peer, without port. */
  readonly remoteAddress: string
  readonly #options: Http2ServerOptions
  #prefaceLeft: number = preface.length
  #finishing: Http2ServerStream[] = []
  #finished: Http2ServerStream[] = []
  /** No stream above this is taken any more. */
  #lastTaken = windowBytesMax
  isDraining = false

  constructor(socket: Socket, options: Http2ServerOptions) {
    super(socket, options)
    this.remoteAddress = socket.remoteAddress ?? ''
    this.#options = options
    const { streamsMax, streamWindowBytes, headerBytesMax, headerTableBytesMax } = options.limits
    this.greet([
      [settingIds.headerTableSize, headerTableBytesMax],
      [settingIds.maxConcurrentStreams, streamsMax],
      [settingIds.initialWindowSize, streamWindowBytes],
      [settingIds.maxHeaderListSize, headerBytesMax],
      [settingIds.enableConnectProtocol, 1],
    ])
    if (options.upgraded) this.#beginUpgraded(options.upgraded)
    onBytes(socket, (chunk) => this.#readWithPreface(chunk))
  }

  get isIdle(): boolean {
    return this.streams.size === 0
  }

  // What comes from the client.

  #readWithPreface(chunk: Buffer): void {
    if (this.#prefaceLeft === 0) {
      this.read(chunk)
      return
    }
    const from = preface.length - this.#prefaceLeft
    const length = Math.min(this.#prefaceLeft, chunk.length)
    if (chunk.compare(preface, from, from + length, 0, length) !== 0) {
      this.#prefaceLeft = 0
      this.onFault(new Http2Fault(errorCodes.protocolError, 'the preface of HTTP/2 is missing'))
      return
    }
    this.#prefaceLeft -= length
    if (length < chunk.length) this.read(chunk.subarray(length))
  }

  #beginUpgraded({ head, settings }: { head: RequestHead; settings: Buffer }): void {
    this.peer.apply(settings)
    this.encoder.setLimit(this.peer.headerTableBytes)
    this.lastPeerStream = 1
    const request: RequestHead = { ...head, version: 'HTTP/2', upgrade: '' }
    setImmediate(() => this.#begin(1, request, true))
  }

  protected onHeaders(streamId: number, fields: FieldList, isEnd: boolean, wrong: string): void {
    const known = this.streams.get(streamId)
    if (known) this.#readTrailers(known, fields, isEnd, wrong)
    else if (streamId % 2 === 0) throw new Http2Fault(errorCodes.protocolError, 'a client opens even streams')
    else if (streamId <= this.lastPeerStream) this.watch.countIdleFrame('HEADERS for closed streams')
    else if (streamId > this.#lastTaken) this.watch.countIdleFrame('HEADERS behind GOAWAY')
    else this.#readRequest(streamId, fields, isEnd, wrong)
  }

  #readRequest(streamId: number, fields: FieldList, isEnd: boolean, wrong: string): void {
    this.lastPeerStream = streamId
    if (this.streams.size >= this.limits.streamsMax) {
      this.#options.handler.onMalformed('too_many_streams', `more than ${this.limits.streamsMax} at a time`)
      this.sendReset(streamId, errorCodes.refusedStream)
      return
    }
    let head: RequestHead
    try {
      if (wrong === tooLarge) throw new MessageFault('request_headers_too_large', wrong)
      if (wrong !== '') throw malformed(wrong)
      head = readRequest(fields, isEnd, this.limits.requestLineBytesMax)
    } catch (error) {
      if (!(error instanceof MessageFault)) throw error
      this.#refuse(streamId, error, isEnd)
      return
    }
    this.#begin(streamId, head, isEnd)
  }

  #begin(streamId: number, head: RequestHead, isEnd: boolean): void {
    if (this.isEnding) return
    const stream = new Http2ServerStream(this, streamId, head)
    this.add(stream)
    const isUpgrade = head.upgrade !== ''
    // Nothing of a tunnel is passed on before its answer.
    if (isUpgrade) stream.pause()
    const sink = this.#options.handler.onStream(stream)
    if (stream.isOver) return
    stream.sink = sink
    if (!isEnd) return
    const wrong = isUpgrade ? 'a request for a tunnel that is closed already' : stream.receiveEnd(undefined)
    if (wrong !== '') stream.fail(errorCodes.protocolError, 'protocol-error', wrong)
  }

  /** With an answer where there is one to give; what is malformed is reset (RFC 9113 section 8.1.1). */
  #refuse(streamId: number, { code, message }: MessageFault, isEnd: boolean): void {
    this.#options.handler.onMalformed(code, message)
    if (code === 'bad_request') {
      this.sendReset(streamId, errorCodes.protocolError)
      return
    }
    const { status, meaning } = answers[code as ErrorCodeName]
    const body = Buffer.from(`${code}: ${meaning} (${message})\n`)
    const headers = ['content-type', 'text/plain; charset=utf-8', 'weft-detail', `${code}; ${message}`]
    writeResponse(this.encoder, { status, headers, bodyLength: body.length, upgrade: '' }, 'GET')
    this.writer.headers(streamId, false)
    // A short text: the windows of a new stream hold it, or the client is told by the status alone.
    const hasRoom = this.peer.windowBytes >= body.length
    this.output.write(0, 1, streamId, hasRoom ? body : body.subarray(0, 0))
    if (!isEnd) this.sendReset(streamId, errorCodes.noError)
  }

  #readTrailers(stream: Http2Stream, fields: FieldList, isEnd: boolean, wrong: string): void {
    if (stream.isReceiveClosed) {
      stream.fail(errorCodes.streamClosed, 'protocol-error', 'HEADERS behind the end of the stream')
      return
    }
    if (!isEnd) {
      stream.fail(errorCodes.protocolError, 'protocol-error', 'a second header block that does not end the stream')
      return
    }
    receiveTrailers(stream, fields, wrong)
  }

  protected isIdleStream(streamId: number): boolean {
    return streamId % 2 === 0 || streamId > this.lastPeerStream
  }

  protected onGoaway(): void {
    // The client opens no further streams; those under way go on.
  }

  protected onPeerSettings(): void {
    // Nothing of it changes what a server does.
  }

  // What goes to the client; called by the streams.

  sendTrailers(stream: Http2Stream, trailers: HeaderList): void {
    this.encoder.begin()
    writeFields(this.encoder, trailers, '')
    this.writer.headers(stream.id, true)
  }

  awaitFinish(stream: Http2ServerStream): void {
    this.#finishing.push(stream)
    this.output.awaitFlush()
  }

  override onFlushed(): void {
    const finished = this.#finishing
    this.#finishing = this.#finished
    this.#finished = finished
    for (const stream of finished) stream.finish()
    shorten(finished, 0)
  }

  // The end.

  /**
   * In two steps (RFC 9113 section 6.8): first that it ends some time, then, a round trip later, which streams were taken, so that
   * none that is on its way is lost.
   */
  drain(): void {
    if (this.isDraining || this.isEnding) return
    this.isDraining = true
    this.writer.goaway(windowBytesMax, errorCodes.noError, 'draining')
    this.writer.ping(drainPing, false)
    // A client that answers no PING has a moment all the same.
    this.clock.after(this.limits.lingerTimeoutMs, () => this.#takeNoMore(), true)
  }

  protected onPingAck(payload: Buffer): void {
    if (payload.equals(drainPing)) this.#takeNoMore()
  }

  #takeNoMore(): void {
    if (this.#lastTaken !== windowBytesMax || this.isEnding) return
    this.#lastTaken = this.lastPeerStream
    this.writer.goaway(this.lastPeerStream, errorCodes.noError, 'draining')
    if (this.streams.size === 0) this.close()
  }

  protected onNoStreams(): void {
    if (this.#lastTaken === windowBytesMax) return
    // The last answer's end is still to be told to its owner.
    setImmediate(() => this.streams.size === 0 && this.close())
  }

  onIdleTooLong(): void {
    this.#options.handler.onIdleClosed?.()
    this.writer.goaway(this.lastPeerStream, errorCodes.noError, 'idle')
    this.close()
  }

  protected mayStall(): boolean {
    return true
  }

  protected override onStalled(detail: string): void {
    this.#options.handler.onMalformed('client_stalled', detail)
  }

  protected onBroken(reason: ErrorCodeName, detail: string): void {
    this.#options.handler.onMalformed(reason, detail)
  }

  protected onGone(): void {
    for (const stream of this.#finishing) stream.miss()
    shorten(this.#finishing, 0)
    this.#options.onClosed?.()
  }
}

/** The second header block of a message. */
export function receiveTrailers(stream: Http2Stream, fields: FieldList, wrong: string): void {
  let detail = wrong
  let trailers: HeaderList = []
  try {
    if (wrong === '') trailers = readTrailers(fields)
  } catch (error) {
    if (!(error instanceof MessageFault)) throw error
    detail = error.message
  }
  if (detail === '') detail = stream.receiveEnd(trailers)
  if (detail !== '') stream.fail(errorCodes.protocolError, 'protocol-error', detail)
}
