/** What our side has sent, frame by frame. */
import { errorCodes, frameBytesMax, frameHeaderBytes, Http2Fault } from '../frame.ts'

export interface Frame {
  type: number
  flags: number
  streamId: number
  payload: Buffer
}

/** Cuts a stream of bytes into frames; keeps what is not whole. */
export class FrameReader {
  #partial: Buffer | undefined

  /** Calls `onFrame` for each whole frame. @throws Http2Fault for a frame longer than we allow. */
  read(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    let bytes = this.#partial ? Buffer.concat([this.#partial, chunk]) : chunk
    this.#partial = undefined
    while (bytes.length >= frameHeaderBytes) {
      const length = bytes.readUIntBE(0, 3)
      if (length > frameBytesMax) throw new Http2Fault(errorCodes.frameSizeError, `a frame of ${length} bytes`)
      const end = frameHeaderBytes + length
      if (bytes.length < end) break
      const frame = {
        type: bytes[3]!,
        flags: bytes[4]!,
        streamId: bytes.readUInt32BE(5) & 0x7fffffff,
        payload: bytes.subarray(frameHeaderBytes, end),
      }
      bytes = bytes.subarray(end)
      onFrame(frame)
    }
    if (bytes.length > 0) this.#partial = Buffer.from(bytes)
  }
}
