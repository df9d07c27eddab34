/** The numbers of HTTP/2 frames (RFC 9113 sections 4, 6, 7), and frames written whole. */
import type { ErrorCodeName } from '#/std/errors.ts'

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

const calmCode: number = errorCodes.enhanceYourCalm

/** A connection that broke RFC 9113 and ends with GOAWAY. */
export class Http2Fault extends Error {
  readonly code: number
  /** As it is counted. */
  readonly reason: ErrorCodeName

  constructor(
    code: number,
    detail: string,
    reason: ErrorCodeName = code === calmCode ? 'client_flood' : 'bad_request',
  ) {
    super(detail)
    this.name = 'Http2Fault'
    this.code = code
    this.reason = reason
  }
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
