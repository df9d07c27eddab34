/** Frames of an HTTP/2 connection on their way in, both sides (RFC 9113 section 6). */
import type { Socket } from 'node:net'
import { countLargeChunk } from '../buffer-collection.ts'
import { isLent } from '../shared-read.ts'
import { type Http2ConnectionOptions, Http2Core, samplePing } from './connection-core.ts'
import type { FieldList } from './field-list.ts'
import { errorCodes, flags, frameTypes, Http2Fault, windowBytesMax } from './frame.ts'
import { codeName, expectConnection, expectLength, expectStream, headerPart, withoutPadding } from './frame-check.ts'
import type { FrameTarget } from './frame-parser.ts'
import { FrameParser } from './frame-parser.ts'
import { HeaderBlock } from './header-block.ts'
import { HpackDecoder } from './hpack/decoder.ts'
import type { Http2Stream } from './stream.ts'

/** Told in place of a reason for a list that is longer than we take. */
export const tooLarge = 'the header list is too large'

/** Of a read that the collector has to hear of. */
const largeBytes = 8192

/** A window that opens by crumbs makes us send crumbs. */
const tinyCreditBytes = 256

export abstract class Http2Connection extends Http2Core implements FrameTarget {
  readonly #parser = new FrameParser(this)
  readonly #decoder: HpackDecoder
  readonly #block: HeaderBlock
  readonly #fields: FieldList
  #dataStream: Http2Stream | undefined
  #hasSettings = false

  constructor(socket: Socket, options: Http2ConnectionOptions) {
    super(socket, options)
    const { limits } = options
    this.#block = new HeaderBlock(limits)
    this.#decoder = new HpackDecoder({
      tableBytesMax: limits.headerTableBytesMax,
      listBytesMax: limits.headerBytesMax,
      listCountMax: limits.headerCountMax,
      isLenient: true,
    })
    this.#fields = { list: this.#decoder.list, count: 0 }
  }

  /** A header block for a stream. @param fields until the next one. @param wrong why it is no message, empty when it may be one. */
  protected abstract onHeaders(streamId: number, fields: FieldList, isEnd: boolean, wrong: string): void
  protected abstract onGoaway(lastStream: number, code: number, detail: string): void
  protected abstract onPeerSettings(): void
  protected abstract onPingAck(payload: Buffer): void
  protected abstract isIdleStream(streamId: number): boolean

  /** Bytes from the peer. */
  read(chunk: Buffer): void {
    // TLS reads into a new buffer each time.
    if (chunk.length >= largeBytes && !isLent(chunk)) countLargeChunk(chunk.length)
    if (this.isEnding) return
    this.isReading = true
    this.readCount++
    try {
      this.#parser.read(chunk)
    } catch (error) {
      this.onFault(error)
    }
    this.isReading = false
    this.giveCredit()
  }

  onHeaderBlock(frameFlags: number, streamId: number, bytes: Buffer, start: number, end: number): void {
    this.#checkOrder(frameTypes.headers, streamId)
    expectStream(streamId, 'HEADERS')
    this.#readBlock(streamId, (frameFlags & flags.endStream) !== 0, bytes, start, end)
  }

  onDataBegin(streamId: number, length: number): void {
    this.#checkOrder(frameTypes.data, streamId)
    this.#beginData(streamId, length, length)
  }

  /** @param length that counts for the windows; @param bodyLength what of it is no padding. */
  #beginData(streamId: number, length: number, bodyLength: number): void {
    expectStream(streamId, 'DATA')
    if (!this.receiveWindow.receive(length)) {
      throw new Http2Fault(errorCodes.flowControlError, 'more bytes than the window of the connection')
    }
    const stream = this.streams.get(streamId)
    this.#dataStream = undefined
    if (stream === undefined) this.#onClosedStream(streamId)
    else if (stream.isReceiveClosed) {
      stream.fail(errorCodes.streamClosed, 'protocol-error', 'DATA behind the end of the stream')
    } else if (!stream.accept(length)) {
      stream.fail(errorCodes.flowControlError, 'protocol-error', 'more bytes than the window of the stream')
    } else {
      const wrong = stream.announce(bodyLength)
      if (wrong !== '') stream.fail(errorCodes.protocolError, 'protocol-error', wrong)
      else this.#dataStream = stream
    }
  }

  onDataPiece(_streamId: number, piece: Buffer, isEnd: boolean): void {
    const stream = this.#dataStream
    if (stream === undefined || stream.isOver) return
    if (piece.length > 0) this.receivedFrameCount++
    else if (!isEnd) this.watch.countIdleFrame('empty DATA')
    stream.receive(piece)
    const wrong = isEnd && !stream.isOver ? stream.receiveEnd(undefined) : ''
    if (wrong !== '') stream.fail(errorCodes.protocolError, 'protocol-error', wrong)
  }

  onFrame(type: number, frameFlags: number, streamId: number, payload: Buffer): void {
    this.#checkOrder(type, streamId)
    switch (type) {
      case frameTypes.data:
        this.#onPaddedData(frameFlags, streamId, payload)
        break
      case frameTypes.headers:
        this.#onHeadersFrame(frameFlags, streamId, payload)
        break
      case frameTypes.continuation:
        this.#onBlock(this.#block.continue(streamId, frameFlags, payload), streamId)
        break
      case frameTypes.rstStream:
        this.#onReset(streamId, payload)
        break
      case frameTypes.settings:
        this.#onSettings(frameFlags, streamId, payload)
        break
      case frameTypes.ping:
        this.#onPing(frameFlags, streamId, payload)
        break
      case frameTypes.goaway:
        expectConnection(streamId, 'GOAWAY')
        if (payload.length < 8) throw new Http2Fault(errorCodes.frameSizeError, 'GOAWAY is cut short')
        this.onGoaway(
          payload.readUInt32BE(0) & windowBytesMax,
          payload.readUInt32BE(4),
          payload.toString('latin1', 8, 200),
        )
        break
      case frameTypes.windowUpdate:
        this.#onWindowUpdate(streamId, payload)
        break
      case frameTypes.pushPromise:
        throw new Http2Fault(errorCodes.protocolError, 'PUSH_PROMISE, which we do not take')
      case frameTypes.priority:
        expectStream(streamId, 'PRIORITY')
        expectLength(payload, 5, 'PRIORITY')
        this.watch.countIdleFrame('PRIORITY')
        break
      default:
        // RFC 9113 section 4.1: frames of unknown types are passed over.
        this.watch.countIdleFrame('frames of unknown types')
    }
  }

  #checkOrder(type: number, streamId: number): void {
    if (!this.#hasSettings && type !== frameTypes.settings) {
      throw new Http2Fault(errorCodes.protocolError, 'the first frame is no SETTINGS')
    }
    if (this.#block.isOpen === (type === frameTypes.continuation)) return
    const what = this.#block.isOpen ? `a header block is interrupted by stream ${streamId}` : 'CONTINUATION of nothing'
    throw new Http2Fault(errorCodes.protocolError, what)
  }

  #onPaddedData(frameFlags: number, streamId: number, payload: Buffer): void {
    const data = withoutPadding(frameFlags, payload)
    this.#beginData(streamId, payload.length, data.length)
    this.#dataStream?.discard(payload.length - data.length)
    this.onDataPiece(streamId, data, (frameFlags & flags.endStream) !== 0)
  }

  #onHeadersFrame(frameFlags: number, streamId: number, payload: Buffer): void {
    expectStream(streamId, 'HEADERS')
    const block = this.#block.begin(streamId, frameFlags, headerPart(frameFlags, payload))
    if (block === undefined) this.watch.blockBegun()
    else this.#onBlock(block, streamId)
  }

  #onBlock(block: Buffer | undefined, streamId: number): void {
    if (block === undefined) return
    this.watch.blockEnded()
    this.#readBlock(streamId, this.#block.isEnd, block, 0, block.length)
  }

  #readBlock(streamId: number, isEnd: boolean, bytes: Buffer, start: number, end: number): void {
    this.receivedFrameCount++
    const decoder = this.#decoder
    this.#fields.count = decoder.read(bytes, start, end)
    this.onHeaders(streamId, this.#fields, isEnd, decoder.isTooLarge ? tooLarge : decoder.malformed)
  }

  #onReset(streamId: number, payload: Buffer): void {
    expectStream(streamId, 'RST_STREAM')
    expectLength(payload, 4, 'RST_STREAM')
    this.watch.countReset()
    const stream = this.streams.get(streamId)
    if (stream) this.onStreamReset(stream, payload.readUInt32BE(0))
    else this.#onClosedStream(streamId)
  }

  protected onStreamReset(stream: Http2Stream, code: number): void {
    const reason = code === errorCodes.refusedStream ? 'refused' : 'connection-lost'
    stream.lose(reason, `the peer reset the stream (${codeName(code)})`)
  }

  #onSettings(frameFlags: number, streamId: number, payload: Buffer): void {
    expectConnection(streamId, 'SETTINGS')
    if (frameFlags & flags.ack) {
      expectLength(payload, 0, 'an acknowledgement of SETTINGS')
      this.watch.settingsAcknowledged()
      return
    }
    if (this.#hasSettings) this.watch.countIdleFrame('SETTINGS')
    this.#hasSettings = true
    const before = this.peer.windowBytes
    this.peer.apply(payload)
    this.encoder.setLimit(this.peer.headerTableBytes)
    this.#changeWindows(this.peer.windowBytes - before)
    this.writer.settingsAck()
    this.onPeerSettings()
  }

  #changeWindows(change: number): void {
    if (change === 0) return
    for (const stream of this.streams.list()) {
      stream.sendWindow += change
      if (stream.sendWindow > windowBytesMax) {
        throw new Http2Fault(errorCodes.flowControlError, 'INITIAL_WINDOW_SIZE makes a window too large')
      }
    }
    this.sender.pump()
  }

  #onPing(frameFlags: number, streamId: number, payload: Buffer): void {
    expectConnection(streamId, 'PING')
    expectLength(payload, 8, 'PING')
    if (!(frameFlags & flags.ack)) {
      this.watch.countIdleFrame('PING')
      this.writer.ping(payload, true)
    } else if (payload.equals(samplePing)) this.endSample()
    else this.onPingAck(payload)
  }

  #onWindowUpdate(streamId: number, payload: Buffer): void {
    expectLength(payload, 4, 'WINDOW_UPDATE')
    const bytes = payload.readUInt32BE(0) & windowBytesMax
    if (bytes < tinyCreditBytes) this.watch.countIdleFrame('tiny WINDOW_UPDATEs')
    if (streamId === 0) {
      if (bytes === 0) throw new Http2Fault(errorCodes.protocolError, 'WINDOW_UPDATE by 0')
      if (!this.sender.widen(bytes)) {
        throw new Http2Fault(errorCodes.flowControlError, 'the window of the connection is too large')
      }
    } else this.#widenStream(streamId, bytes)
    this.sender.pump()
  }

  #widenStream(streamId: number, bytes: number): void {
    const stream = this.streams.get(streamId)
    if (stream === undefined) {
      this.#onClosedStream(streamId)
      return
    }
    stream.sendWindow += bytes
    if (bytes === 0) stream.fail(errorCodes.protocolError, 'protocol-error', 'WINDOW_UPDATE by 0')
    else if (stream.sendWindow > windowBytesMax) {
      stream.fail(errorCodes.flowControlError, 'protocol-error', 'the window of the stream is too large')
    }
  }

  /** A frame for a stream that is gone: it may have crossed our reset. One that never was is a fault. */
  #onClosedStream(streamId: number): void {
    if (this.isIdleStream(streamId))
      throw new Http2Fault(errorCodes.protocolError, `stream ${streamId} was never opened`)
    this.watch.countIdleFrame('frames for closed streams')
  }
}
