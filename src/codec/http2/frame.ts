/** HTTP/2 frames (RFC 9113 section 4 and 6): read in place, written whole. */

export const frameTypes = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const
export const flags = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const
export const settingIds = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
  /** RFC 8441. */
  enableConnectProtocol: 8,
} as const

export const errorCodes = {
  noError: 0,
  protocolError: 1,
  internalError: 2,
  flowControlError: 3,
  settingsTimeout: 4,
  streamClosed: 5,
  frameSizeError: 6,
  refusedStream: 7,
  cancel: 8,
  compressionError: 9,
  connectError: 10,
  enhanceYourCalm: 11,
} as const

export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
export const frameHeaderBytes = 9
export const defaultWindowBytes = 65_535
export const frameBytesMax = 16_384

/** Windows and stream ids are 31 bits (RFC 9113 sections 4.1, 6.9.1). */
export const windowBytesMax = 0x7fffffff

/** A connection that broke RFC 9113 and ends with GOAWAY. */
export class Http2Fault extends Error {
  readonly code: number

  constructor(code: number, detail: string) {
    super(detail)
    this.name = 'Http2Fault'
    this.code = code
  }
}

export interface Frame {
  type: number
  flags: number
  streamId: number
  payload: Buffer
}

export function writeFrame(type: number, frameFlags: number, streamId: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + payload.length)
  frame.writeUIntBE(payload.length, 0, 3)
  frame[3] = type
  frame[4] = frameFlags
  frame.writeUInt32BE(streamId, 5)
  frame.set(payload, frameHeaderBytes)
  return frame
}

export function settingsPayload(settings: readonly (readonly [number, number])[]): Buffer {
  const payload = Buffer.alloc(settings.length * 6)
  settings.forEach(([id, value], index) => {
    payload.writeUInt16BE(id, index * 6)
    payload.writeUInt32BE(value, index * 6 + 2)
  })
  return payload
}

export function uint32Payload(value: number): Buffer {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(value)
  return payload
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

/** The payload of DATA or HEADERS without padding and priority (RFC 9113 sections 6.1, 6.2). */
export function unpadded(frame: Frame): Buffer {
  let { payload } = frame
  if (frame.flags & flags.padded) {
    const padding = payload[0] ?? 0
    if (padding >= payload.length) throw new Http2Fault(errorCodes.protocolError, 'padding longer than its frame')
    payload = payload.subarray(1, payload.length - padding)
  }
  return frame.type === frameTypes.headers && frame.flags & flags.priority ? payload.subarray(5) : payload
}
