/** The fields of a head, read in one pass: what is handed on, and what they say about framing. */
import type { HeaderList } from '../message.ts'
import { removeHeader, unknownLength } from '../message.ts'
import { badMessage, FramingFault } from './fault.ts'
import type { Field } from './field.ts'
import { parseField } from './field.ts'
import type { Http1Limits } from './limits.ts'
import { listTokens, parseLength } from './syntax.ts'

/** Places of a connection's memory; the lines of longer heads are parsed each time. */
const memoryLinesMax = 32

/** Lines that only a connection remembers are parts of the head that they came in, and hold it. */
const memoryTextMax = 4096

/** The fields that a connection saw last, by place. */
export type FieldMemory = (Field | undefined)[]

export class Framing {
  readonly headers: HeaderList = []
  host: string | undefined
  hostCount = 0
  length = unknownLength
  transferEncodingCount = 0
  /** The last value. */
  transferEncoding = ''
  connection: readonly string[] = []
  upgrade: readonly string[] = []
  expect = ''
}

/**
 * Reads the lines from `start`; the last one has no CRLF.
 * @param memory what this connection saw last; undefined for none.
 */
export function readFields(text: string, start: number, limits: Http1Limits, memory?: FieldMemory): Framing {
  const framing = new Framing()
  const { headers } = framing
  let count = 0
  for (let position = start; position < text.length; count++) {
    if (count >= limits.headerCountMax) {
      throw new FramingFault('request_headers_too_large', `more than ${limits.headerCountMax} header fields`)
    }
    let field = memory?.[count]
    let next = position
    if (field !== undefined && isLineAt(text, position, field.line)) next = position + field.line.length + 2
    else {
      const lineFeed = text.indexOf('\n', position)
      const end = lineFeed < 0 ? text.length : lineEnd(text, lineFeed)
      field = parseField(text, position, end)
      if (memory !== undefined && field.line !== '' && count < memoryLinesMax && text.length <= memoryTextMax) {
        memory[count] = field
      }
      next = lineFeed < 0 ? end : lineFeed + 1
    }
    if (field.role === 'plain') headers.push(field.name, field.value)
    else if (field.role !== 'dropped') apply(framing, field)
    position = next
  }
  if (framing.connection.length > 0 && headers.length > 0) dropNamed(framing)
  return framing
}

/** The line stands there, whole: its CRLF or the end of the text behind it. */
function isLineAt(text: string, position: number, line: string): boolean {
  const end = position + line.length
  if (end !== text.length && (text.charCodeAt(end) !== 0x0d || text.charCodeAt(end + 1) !== 0x0a)) return false
  return text.startsWith(line, position)
}

/** Where a line ends whose LF stands at `lineFeed`. @throws FramingFault when no CR stands before it. */
export function lineEnd(text: string, lineFeed: number): number {
  if (text.charCodeAt(lineFeed - 1) !== 0x0d) throw badMessage('a line ends in a bare LF')
  return lineFeed - 1
}

function apply(framing: Framing, { role, value, tokens }: Field): void {
  switch (role) {
    case 'host':
      framing.host = value
      framing.hostCount++
      break
    case 'connection':
      framing.connection = join(framing.connection, tokens)
      break
    case 'upgrade':
      framing.upgrade = join(framing.upgrade, tokens)
      break
    case 'content-length': {
      const length = parseLength(value)
      if (length < 0) throw badMessage('Content-Length is not a number')
      if (framing.length !== unknownLength) throw badMessage('Content-Length stands there twice')
      framing.length = length
      break
    }
    case 'transfer-encoding':
      framing.transferEncoding = value.toLowerCase()
      framing.transferEncodingCount++
      break
    case 'expect':
      framing.expect = framing.expect === '' ? value.toLowerCase() : `${framing.expect}, ${value}`
      break
  }
}

function join(before: readonly string[], tokens: readonly string[]): readonly string[] {
  return before.length === 0 ? tokens : [...before, ...tokens]
}

/** Fields named by Connection are for this hop alone (RFC 9110 section 7.6.1). */
function dropNamed({ connection, headers }: Framing): void {
  for (const name of connection) {
    if (name !== 'close' && name !== 'keep-alive' && name !== 'upgrade') removeHeader(headers, name)
  }
}

/**
 * Whether the body is chunked. The one coding that we speak has to be the whole of the one field: a list that some reader
 * might not see as chunked is refused (RFC 9112 section 6.1).
 */
export function isChunked(framing: Framing, isOld: boolean): boolean {
  if (framing.transferEncodingCount === 0) return false
  if (isOld) throw badMessage('HTTP/1.0 knows no Transfer-Encoding')
  if (framing.length !== unknownLength) throw badMessage('both Content-Length and Transfer-Encoding are there')
  if (framing.transferEncodingCount > 1) throw badMessage('Transfer-Encoding stands there twice')
  const coding = framing.transferEncoding
  if (coding === 'chunked') return true
  const codings = listTokens(coding)
  if (codings.length > 1 && codings.indexOf('chunked') === codings.length - 1) {
    throw new FramingFault('unsupported_transfer_coding', 'Transfer-Encoding names a coding other than chunked')
  }
  throw badMessage('Transfer-Encoding is something other than chunked')
}

/** RFC 9112 section 9.3. */
export function keepsAlive({ connection }: Framing, isOld: boolean): boolean {
  if (connection.length === 0) return !isOld
  if (connection.includes('close')) return false
  return !isOld || connection.includes('keep-alive')
}
