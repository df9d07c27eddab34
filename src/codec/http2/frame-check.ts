/** What RFC 9113 section 6 asks of single frames. */
import { errorCodes, flags, Http2Fault } from './frame.ts'

/** @throws Http2Fault */
export function expectLength(payload: Buffer, bytes: number, name: string): void {
  if (payload.length !== bytes)
    throw new Http2Fault(errorCodes.frameSizeError, `${name} of another length than ${bytes}`)
}

/** @throws Http2Fault for a frame on a stream that belongs to the connection. */
export function expectConnection(streamId: number, name: string): void {
  if (streamId !== 0) throw new Http2Fault(errorCodes.protocolError, `${name} on a stream`)
}

/** @throws Http2Fault for a frame on the connection that belongs to a stream. */
export function expectStream(streamId: number, name: string): void {
  if (streamId === 0) throw new Http2Fault(errorCodes.protocolError, `${name} on stream 0`)
}

/** RFC 9113 section 6.1. @throws Http2Fault */
export function withoutPadding(frameFlags: number, payload: Buffer): Buffer {
  if ((frameFlags & flags.padded) === 0) return payload
  if (payload.length === 0) throw new Http2Fault(errorCodes.frameSizeError, 'a padded frame without its length')
  const padding = payload[0]!
  if (padding >= payload.length) throw new Http2Fault(errorCodes.protocolError, 'padding longer than its frame')
  return payload.subarray(1, payload.length - padding)
}

/** The block of HEADERS without padding and priority (RFC 9113 section 6.2). @throws Http2Fault */
export function headerPart(frameFlags: number, payload: Buffer): Buffer {
  const part = withoutPadding(frameFlags, payload)
  if ((frameFlags & flags.priority) === 0) return part
  if (part.length < 5) throw new Http2Fault(errorCodes.frameSizeError, 'HEADERS is cut short')
  return part.subarray(5)
}

const codeNames = new Map<number, string>(Object.entries(errorCodes).map(([name, code]) => [code, name]))

/** `REFUSED_STREAM`, as RFC 9113 section 7 spells it. */
export function codeName(code: number): string {
  const name = codeNames.get(code)
  return name === undefined ? `code ${code}` : name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
}
