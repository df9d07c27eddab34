/**
 * The bytes of `formatLogLine`, written straight into a buffer. Texts of pieces are joined twice, once as a text and once as
 * bytes, and are garbage after that; here a character is looked at once, and what many lines share is copied.
 */
import type { Endpoint } from '#/model/endpoint.ts'
import type { RequestRecord } from '#/proxy/events.ts'
import { callerBytes } from './caller-bytes.ts'
import type { LogLineOptions } from './log-line.ts'
import { formatLineEnd, formatTime, quote, withoutQuery } from './log-line.ts'

/** Bytes of everything in a line but its texts; names of Kubernetes (the peer's) are short and plain. */
const fixedBytesMax = 1536
/** A character as JSON takes at most six bytes (`\u001f`). */
const bytesPerCharacterMax = 6

const key = (name: string): Uint8Array => Buffer.from(`,"${name}":`)
const keys = {
  path: key('path'),
  responseCode: key('response_code'),
  bytesReceived: key('bytes_received'),
  bytesSent: key('bytes_sent'),
  duration: key('duration'),
  upstreamTime: key('upstream_service_time'),
  requestId: key('request_id'),
  traceparent: key('traceparent'),
}
const startTime = Buffer.from('{"start_time":"')
const method = Buffer.from('","method":')
const getMethod = Buffer.from('","method":"GET"')
const nothing = Buffer.from('null')

/** The end of a line, and what it was made from. */
interface LineEnd {
  route: RequestRecord['route']
  cluster: RequestRecord['cluster']
  listener: string
  direction: string
  protocol: string
  flags: string
  attempts: number
  grpcStatus: number
  bytes: Uint8Array
}

/** An endpoint has few: a route or two, one attempt, one protocol. */
const endsPerEndpointMax = 16
const ends = new WeakMap<Endpoint, LineEnd[]>()

/** Upper bound of the bytes that `writeLogLine` writes. */
export function lineBytesMax(record: RequestRecord): number {
  const { path, userAgent, requestId, authority, remoteAddress, traceparent, forwardedFor = '' } = record
  const texts = path.length + userAgent.length + requestId.length + authority.length + remoteAddress.length
  const more = traceparent.length + forwardedFor.length + record.method.length
  return fixedBytesMax + (texts + more + endLengthMax(record)) * bytesPerCharacterMax
}

function endLengthMax({ route, cluster, listener, code, detail, flags }: RequestRecord): number {
  return (
    (route?.name.length ?? 0) +
    (cluster?.name.length ?? 0) +
    listener.length +
    code.length +
    detail.length +
    flags.length
  )
}

/** @returns where the line ends in `bytes`, which has `lineBytesMax` bytes of room from `at` on. */
export function writeLogLine(
  bytes: Buffer,
  at: number,
  record: RequestRecord,
  { isQueryStripped }: LogLineOptions,
): number {
  at = putTime(bytes, putBytes(bytes, at, startTime), record.wallMs)
  if (record.method === 'GET') at = putBytes(bytes, at, getMethod)
  else at = putText(bytes, putBytes(bytes, at, method), record.method)
  at = putText(bytes, putBytes(bytes, at, keys.path), isQueryStripped ? withoutQuery(record.path) : record.path)
  at = putNumber(bytes, putBytes(bytes, at, keys.responseCode), record.status)
  at = putNumber(bytes, putBytes(bytes, at, keys.bytesReceived), record.requestBytes)
  at = putNumber(bytes, putBytes(bytes, at, keys.bytesSent), record.responseBytes)
  at = putNumber(bytes, putBytes(bytes, at, keys.duration), Math.round(record.durationMs))
  at = putBytes(bytes, at, keys.upstreamTime)
  if (record.firstByteMs < 0 || record.attempts === 0) at = putBytes(bytes, at, nothing)
  else at = putNumber(bytes, at, Math.round(record.firstByteMs))
  at = putText(bytes, putBytes(bytes, at, keys.requestId), record.requestId)
  at = putText(bytes, putBytes(bytes, at, keys.traceparent), record.traceparent)
  at = putBytes(bytes, at, callerBytes(record))
  const { endpoint } = record
  if (endpoint === undefined || record.code !== '' || record.status === 0) {
    return at + bytes.write(formatLineEnd(record), at)
  }
  return putBytes(bytes, at, lineEnd(record, endpoint))
}

function lineEnd(record: RequestRecord, endpoint: Endpoint): Uint8Array {
  let known = ends.get(endpoint)
  if (known === undefined) {
    known = []
    ends.set(endpoint, known)
  }
  for (const one of known) {
    if (
      one.route === record.route &&
      one.cluster === record.cluster &&
      one.attempts === record.attempts &&
      one.grpcStatus === record.grpcStatus &&
      one.protocol === record.protocol &&
      one.direction === record.direction &&
      one.listener === record.listener &&
      one.flags === record.flags
    ) {
      return one.bytes
    }
  }
  const { route, cluster, listener, direction, protocol, flags, attempts, grpcStatus } = record
  const bytes = ownBytes(formatLineEnd(record))
  if (known.length === endsPerEndpointMax) known.shift()
  known.push({ route, cluster, listener, direction, protocol, flags, attempts, grpcStatus, bytes })
  return bytes
}

/** What is kept has memory of its own: a piece of the pool that `Buffer.from` cuts from would keep all 64 KB of it. */
function ownBytes(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  return bytes
}

let timeSecond = -1
let timeBytes: Uint8Array = new Uint8Array()

/** As `formatTime`; what is the same for a second is made once. */
function putTime(bytes: Buffer, start: number, wallMs: number): number {
  const second = Math.floor(wallMs / 1000)
  if (second !== timeSecond) {
    timeSecond = second
    timeBytes = Buffer.from(formatTime(second * 1000).slice(0, -4))
  }
  let at = putBytes(bytes, start, timeBytes)
  const ms = Math.floor(wallMs - second * 1000)
  bytes[at++] = 0x30 + ((ms * 5243) >> 19)
  const rest = ms - ((ms * 5243) >> 19) * 100
  bytes[at++] = 0x30 + ((rest * 205) >> 11)
  bytes[at++] = 0x30 + (rest - ((rest * 205) >> 11) * 10)
  bytes[at++] = 0x5a
  return at
}

/** A loop for what is short: a call into the system's copy costs as much as thirty bytes. */
function putBytes(bytes: Buffer, at: number, piece: Uint8Array): number {
  if (piece.length > 40) {
    bytes.set(piece, at)
    return at + piece.length
  }
  for (let i = 0; i < piece.length; i++) bytes[at++] = piece[i]!
  return at
}

function putAscii(bytes: Buffer, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i)
  return at
}

/** A JSON string; `null` for an empty or absent value. */
function putText(bytes: Buffer, start: number, text: string | undefined): number {
  if (text === undefined || text === '') return putBytes(bytes, start, nothing)
  let at = start
  bytes[at++] = 0x22
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    // Escapes, and what is more than one byte in UTF-8.
    if (code < 0x20 || code === 0x22 || code === 0x5c || code >= 0x80) return start + bytes.write(quote(text), start)
    bytes[at++] = code
  }
  bytes[at++] = 0x22
  return at
}

/** Of whole numbers from 0 on; others as `String` writes them. */
function putNumber(bytes: Buffer, start: number, value: number): number {
  if (!(value >= 0 && value < 1e9)) return putAscii(bytes, start, String(value))
  let rest = value | 0
  let at = start + digitCount(rest)
  const end = at
  do {
    const tenth = (rest / 10) | 0
    bytes[--at] = 0x30 + rest - tenth * 10
    rest = tenth
  } while (rest > 0)
  return end
}

function digitCount(value: number): number {
  if (value < 1000) return value < 10 ? 1 : value < 100 ? 2 : 3
  return value < 1e6 ? (value < 1e4 ? 4 : value < 1e5 ? 5 : 6) : value < 1e7 ? 7 : value < 1e8 ? 8 : 9
}
