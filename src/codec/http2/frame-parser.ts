/**
 * Cuts bytes into frames, in place: only what is cut off by the end of a chunk is copied. A body is not even that: the pieces of
 * a DATA frame are passed on as they come.
 */
import { errorCodes, flags, frameBytesMax, frameHeaderBytes, frameTypes, Http2Fault } from './frame.ts'

export interface FrameTarget {
  /** A whole frame other than DATA without padding. The payload belongs to the callee only during the call. */
  onFrame(type: number, frameFlags: number, streamId: number, payload: Buffer): void
  /** HEADERS with a whole block and nothing else in it: `bytes` from `start` to `end`, which belong to the callee only during the call. */
  onHeaderBlock(frameFlags: number, streamId: number, bytes: Buffer, start: number, end: number): void
  /** A DATA frame without padding begins: `length` bytes, for which flow control counts now. */
  onDataBegin(streamId: number, length: number): void
  /** A piece of it; `isEnd` with the last one when the frame ends the stream. A frame of no bytes has one empty piece. */
  onDataPiece(streamId: number, piece: Buffer, isEnd: boolean): void
}

/** Of HEADERS: set, unset, unset means a whole block and nothing else. */
const blockParts = flags.endHeaders | flags.padded | flags.priority

export class FrameParser {
  readonly #target: FrameTarget
  readonly #header = Buffer.alloc(frameHeaderBytes)
  #headerUsed = 0
  #type = 0
  #flags = 0
  #streamId = 0
  /** DATA without padding. */
  #isBody = false
  /** Of the payload, still to come; -1 while the header is not whole. */
  #left = -1
  #payload: Buffer | undefined
  #payloadUsed = 0

  constructor(target: FrameTarget) {
    this.#target = target
  }

  /** In the middle of a frame. */
  get hasPartial(): boolean {
    return this.#headerUsed > 0 || this.#left >= 0
  }

  /** @throws Http2Fault for a frame longer than we allow, and what the target throws. */
  read(chunk: Buffer): void {
    let position = 0
    while (position < chunk.length) {
      if (this.#left < 0) position = this.#readHeader(chunk, position)
      else if (this.#isBody) position = this.#readBody(chunk, position)
      else position = this.#readPayload(chunk, position)
    }
  }

  #readHeader(chunk: Buffer, position: number): number {
    if (this.#headerUsed === 0 && chunk.length - position >= frameHeaderBytes) {
      this.#begin(chunk, position)
      return position + frameHeaderBytes
    }
    const end = Math.min(chunk.length, position + frameHeaderBytes - this.#headerUsed)
    while (position < end) this.#header[this.#headerUsed++] = chunk[position++]!
    if (this.#headerUsed === frameHeaderBytes) {
      this.#headerUsed = 0
      this.#begin(this.#header, 0)
    }
    return position
  }

  #begin(bytes: Buffer, at: number): void {
    const length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
    if (length > frameBytesMax) throw new Http2Fault(errorCodes.frameSizeError, `a frame of ${length} bytes`)
    this.#type = bytes[at + 3]!
    this.#flags = bytes[at + 4]!
    this.#streamId = ((bytes[at + 5]! & 0x7f) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!
    this.#left = length
    this.#isBody = this.#type === frameTypes.data && (this.#flags & flags.padded) === 0
    if (this.#isBody) this.#target.onDataBegin(this.#streamId, length)
    // Nothing follows that could come in a later chunk.
    if (length === 0) this.#end(nothing)
  }

  #end(payload: Buffer): void {
    this.#left = -1
    if (this.#isBody) this.#target.onDataPiece(this.#streamId, payload, (this.#flags & flags.endStream) !== 0)
    else this.#target.onFrame(this.#type, this.#flags, this.#streamId, payload)
  }

  #readBody(chunk: Buffer, position: number): number {
    const end = Math.min(chunk.length, position + this.#left)
    const piece = position === 0 && end === chunk.length ? chunk : chunk.subarray(position, end)
    this.#left -= end - position
    if (this.#left === 0) this.#end(piece)
    else this.#target.onDataPiece(this.#streamId, piece, false)
    return end
  }

  #readPayload(chunk: Buffer, position: number): number {
    const end = Math.min(chunk.length, position + this.#left)
    if (this.#payload === undefined && end - position === this.#left) {
      if (this.#type === frameTypes.headers && (this.#flags & blockParts) === flags.endHeaders) {
        this.#left = -1
        // A view of each would cost more than to read it.
        this.#target.onHeaderBlock(this.#flags, this.#streamId, chunk, position, end)
      } else this.#end(chunk.subarray(position, end))
      return end
    }
    this.#payload ??= Buffer.allocUnsafe(this.#left)
    this.#payloadUsed += chunk.copy(this.#payload, this.#payloadUsed, position, end)
    this.#left -= end - position
    if (this.#left > 0) return end
    const whole = this.#payload
    this.#payload = undefined
    this.#payloadUsed = 0
    this.#end(whole)
    return end
  }
}

const nothing = Buffer.alloc(0)
