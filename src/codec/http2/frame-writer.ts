/** Frames that steer, and header blocks, written into a connection's output. */
import { flags, frameTypes } from './frame.ts'
import type { HpackEncoder } from './hpack/encoder.ts'
import type { Http2Output } from './output.ts'
import type { PeerSettings } from './settings.ts'

const noBytes = Buffer.alloc(0)

export class FrameWriter {
  readonly #output: Http2Output
  readonly #encoder: HpackEncoder
  readonly #peer: PeerSettings

  constructor(options: { output: Http2Output; encoder: HpackEncoder; peer: PeerSettings }) {
    this.#output = options.output
    this.#encoder = options.encoder
    this.#peer = options.peer
  }

  settings(settings: readonly (readonly [number, number])[]): void {
    const block = this.#output.frame(frameTypes.settings, 0, 0, settings.length * 6)
    let at = this.#output.reserved
    for (const [id, value] of settings) {
      block.writeUInt16BE(id, at)
      block.writeUInt32BE(value, at + 2)
      at += 6
    }
  }

  settingsAck(): void {
    this.#output.write(frameTypes.settings, flags.ack, 0, noBytes)
  }

  /** @param payload 8 bytes. */
  ping(payload: Buffer, isAck: boolean): void {
    this.#output.write(frameTypes.ping, isAck ? flags.ack : 0, 0, payload)
  }

  goaway(lastStream: number, code: number, detail: string): void {
    // Long enough for a reason; a peer need not be sent a stack.
    const text = detail.slice(0, 200)
    const payload = Buffer.alloc(8 + text.length)
    payload.writeUInt32BE(lastStream, 0)
    payload.writeUInt32BE(code, 4)
    payload.write(text, 8, 'latin1')
    this.#output.write(frameTypes.goaway, 0, 0, payload)
  }

  reset(streamId: number, code: number): void {
    this.#uint32(frameTypes.rstStream, streamId, code)
  }

  /** @param streamId 0 for the connection. */
  credit(streamId: number, bytes: number): void {
    this.#uint32(frameTypes.windowUpdate, streamId, bytes)
  }

  #uint32(type: number, streamId: number, value: number): void {
    const block = this.#output.frame(type, 0, streamId, 4)
    block.writeUInt32BE(value, this.#output.reserved)
  }

  /** The block that the encoder holds, in as many frames as it needs (RFC 9113 section 6.10). */
  headers(streamId: number, isEnd: boolean): void {
    const block = this.#encoder.take()
    const { length } = this.#encoder
    const endStream = isEnd ? flags.endStream : 0
    const { frameBytes } = this.#peer
    if (length <= frameBytes) {
      this.#output.write(frameTypes.headers, flags.endHeaders | endStream, streamId, block, 0, length)
      return
    }
    this.#output.write(frameTypes.headers, endStream, streamId, block, 0, frameBytes)
    for (let at = frameBytes; at < length; at += frameBytes) {
      const end = Math.min(length, at + frameBytes)
      this.#output.write(frameTypes.continuation, end === length ? flags.endHeaders : 0, streamId, block, at, end)
    }
  }

  /** On the last frame of the stream where that has not left, else on an empty one. */
  end(streamId: number): void {
    if (!this.#output.endLast(streamId)) this.#output.write(frameTypes.data, flags.endStream, streamId, noBytes)
  }
}
