/** First line and fields of a message, from the text of its head to `RequestHead` or `ResponseHead`. */
import type { HeaderList, RequestHead, ResponseHead } from '../message.ts'
import { removeHeader, unknownLength } from '../message.ts'
import { badRequest, FramingFault } from './fault.ts'
import { parseField } from './field.ts'
import type { Http1Limits } from './limits.ts'
import { forbiddenInHead, isAuthority, isToken, listTokens, parseLength } from './syntax.ts'

/** What the fields say about framing, gathered on one pass. */
class Framing {
  headers: HeaderList = []
  host: string | undefined
  hostCount = 0
  length = unknownLength
  transferEncoding = ''
  connection = ''
  upgrade = ''
  expect = ''
}

/** A request's head with what only its connection needs to know. */
export interface ParsedRequest {
  head: RequestHead
  isKeepAlive: boolean
}

export interface ParsedResponse {
  head: ResponseHead
  isKeepAlive: boolean
  /** The body ends with the connection. */
  isCloseDelimited: boolean
}

function readFields(text: string, start: number, limits: Http1Limits): Framing {
  const framing = new Framing()
  let count = 0
  for (let position = start; position < text.length; ) {
    let end = text.indexOf('\r\n', position)
    if (end < 0) end = text.length
    if (++count > limits.headerCountMax) {
      throw new FramingFault('request_headers_too_large', `more than ${limits.headerCountMax} header fields`)
    }
    const { name, value, role } = parseField(text.slice(position, end))
    if (role === 'plain') framing.headers.push(name, value)
    else if (role !== 'dropped') applyFraming(framing, role, value)
    position = end + 2
  }
  if (framing.connection !== '' && framing.headers.length > 0) dropNamed(framing)
  return framing
}

function applyFraming(framing: Framing, role: string, value: string): void {
  if (role === 'host') {
    framing.host = value
    framing.hostCount++
  } else if (role === 'connection') {
    const lower = value.toLowerCase()
    framing.connection = framing.connection === '' ? lower : `${framing.connection},${lower}`
  } else if (role === 'content-length') {
    const length = parseLength(value)
    if (length < 0) throw badRequest('Content-Length is not a number')
    if (framing.length !== unknownLength) throw badRequest('Content-Length stands there twice')
    framing.length = length
  } else if (role === 'transfer-encoding') {
    framing.transferEncoding = framing.transferEncoding === '' ? value : `${framing.transferEncoding},${value}`
    if (value === '') throw badRequest('Transfer-Encoding is empty')
  } else if (role === 'upgrade') {
    framing.upgrade = framing.upgrade === '' ? value : `${framing.upgrade},${value}`
  } else {
    framing.expect = value.toLowerCase()
  }
}

/** Fields named by Connection are for this hop alone (RFC 9110 section 7.6.1). */
function dropNamed(framing: Framing): void {
  if (framing.connection === 'keep-alive' || framing.connection === 'close') return
  for (const name of listTokens(framing.connection)) removeHeader(framing.headers, name)
}

/** Checks Transfer-Encoding against what we speak. @returns true when the body is chunked. */
function isChunked(framing: Framing): boolean {
  if (framing.transferEncoding === '') return false
  const codings = listTokens(framing.transferEncoding)
  if (codings.length === 1 && codings[0] === 'chunked') return true
  if (codings.filter((coding) => coding === 'chunked').length > 1)
    throw badRequest('Transfer-Encoding names chunked twice')
  if (codings.length > 0 && codings[codings.length - 1] !== 'chunked')
    throw badRequest('Transfer-Encoding does not end in chunked')
  throw new FramingFault('unsupported_transfer_coding', 'Transfer-Encoding names a coding other than chunked')
}

/**
 * Reads a request's head: `text` ends before the empty line.
 * @throws FramingFault for what RFC 9112 forbids or could be read in two ways.
 */
export function parseRequestHead(text: string, limits: Http1Limits): ParsedRequest {
  if (forbiddenInHead.test(text)) throw badRequest('a control character, a bare CR or a bare LF stands in the head')
  let lineEnd = text.indexOf('\r\n')
  if (lineEnd < 0) lineEnd = text.length
  if (lineEnd > limits.requestLineBytesMax) {
    throw new FramingFault(
      'request_line_too_long',
      `the request line is longer than ${limits.requestLineBytesMax} bytes`,
    )
  }
  const { method, target, version } = parseRequestLine(text, lineEnd)
  const framing = readFields(text, lineEnd + 2, limits)
  const isOld = version === 'HTTP/1.0'
  const isBodyChunked = isChunked(framing)
  if (isBodyChunked && framing.length !== unknownLength)
    throw badRequest('both Content-Length and Transfer-Encoding are there')
  if (isBodyChunked && isOld) throw badRequest('HTTP/1.0 knows no Transfer-Encoding')
  const { authority, path, isAbsolute } = parseTarget(method, target, framing, isOld)
  const isUpgrade = framing.upgrade !== '' && !isOld && listTokens(framing.connection).includes('upgrade')
  if (framing.expect !== '' && framing.expect !== '100-continue') {
    throw new FramingFault('expectation_failed', 'Expect asks for something other than 100-continue')
  }
  const bodyLength = isBodyChunked ? unknownLength : framing.length === unknownLength ? 0 : framing.length
  return {
    head: {
      method,
      scheme: 'http',
      authority,
      path,
      headers: framing.headers,
      version,
      bodyLength,
      upgrade: isUpgrade ? listTokens(framing.upgrade)[0]! : '',
      expectsContinue: framing.expect !== '' && !isOld && bodyLength !== 0,
      isAbsolute,
    },
    isKeepAlive: keepsAlive(framing.connection, isOld),
  }
}

function keepsAlive(connection: string, isOld: boolean): boolean {
  if (connection === '') return !isOld
  const tokens = listTokens(connection)
  return isOld ? tokens.includes('keep-alive') && !tokens.includes('close') : !tokens.includes('close')
}

function parseRequestLine(
  text: string,
  lineEnd: number,
): { method: string; target: string; version: 'HTTP/1.0' | 'HTTP/1.1' } {
  const first = text.indexOf(' ')
  const second = text.indexOf(' ', first + 1)
  if (first <= 0 || second < 0 || second >= lineEnd) throw badRequest('the request line is not METHOD TARGET HTTP/1.1')
  const method = text.slice(0, first)
  const target = text.slice(first + 1, second)
  const version = text.slice(second + 1, lineEnd)
  if (!isToken(method)) throw badRequest('the method is no token')
  if (version === 'HTTP/1.1' || version === 'HTTP/1.0') return { method, target, version }
  if (/^HTTP\/1\.[2-9]$/.test(version)) return { method, target, version: 'HTTP/1.1' }
  if (/^HTTP\/[0-9]\.[0-9]$/.test(version))
    throw new FramingFault('unsupported_version', 'a version other than HTTP/1.x')
  throw badRequest('the request line does not end in HTTP/1.1')
}

function parseTarget(
  method: string,
  target: string,
  framing: Framing,
  isOld: boolean,
): { authority: string; path: string; isAbsolute: boolean } {
  if (framing.hostCount > 1) throw badRequest('Host stands there twice')
  const host = framing.host
  if (host === undefined && !isOld) throw badRequest('Host is missing')
  if (host !== undefined && host !== '' && !isAuthority(host))
    throw badRequest('Host is no host name with optional port')
  if (target.charCodeAt(0) === 0x2f) {
    if (target.includes('#')) throw badRequest('the target holds a fragment')
    return { authority: host ?? '', path: target, isAbsolute: false }
  }
  if (method === 'CONNECT') {
    if (!isAuthority(target)) throw badRequest('the target of CONNECT is no HOST:PORT')
    return { authority: target, path: '', isAbsolute: false }
  }
  if (target === '*' && method === 'OPTIONS') return { authority: host ?? '', path: '*', isAbsolute: false }
  const absolute = /^https?:\/\/([^/?#]*)([^#]*)$/i.exec(target)
  if (!absolute) throw badRequest('the target is neither a path nor a URL')
  const authority = absolute[1]!
  if (!isAuthority(authority)) throw badRequest('the authority of the target is no host name with optional port')
  const rest = absolute[2]!
  return { authority, path: rest === '' ? '/' : rest.startsWith('/') ? rest : `/${rest}`, isAbsolute: true }
}

/**
 * Reads an answer's head: `text` ends before the empty line.
 * @param method of the request that it answers: an answer to HEAD has no body (RFC 9112 section 6.3).
 */
export function parseResponseHead(text: string, method: string, limits: Http1Limits): ParsedResponse {
  if (forbiddenInHead.test(text)) throw badRequest('a control character, a bare CR or a bare LF stands in the head')
  let lineEnd = text.indexOf('\r\n')
  if (lineEnd < 0) lineEnd = text.length
  const match = /^HTTP\/1\.([0-9]) ([1-5][0-9]{2})(?: |$)/.exec(text.slice(0, Math.min(lineEnd, 14)))
  if (!match) throw badRequest('the status line is not HTTP/1.1 STATUS REASON')
  const status = Number(match[2])
  const framing = readFields(text, lineEnd + 2, limits)
  const isOld = match[1] === '0'
  const isBodyChunked = isChunked(framing)
  if (isBodyChunked && framing.length !== unknownLength)
    throw badRequest('both Content-Length and Transfer-Encoding are there')
  const isSwitch = status === 101
  const hasNoBody = method === 'HEAD' || status < 200 || status === 204 || status === 304
  const isCloseDelimited = !hasNoBody && !isBodyChunked && framing.length === unknownLength
  return {
    head: {
      status,
      headers: framing.headers,
      bodyLength: status === 204 || status < 200 ? 0 : framing.length,
      upgrade: isSwitch ? (listTokens(framing.upgrade)[0] ?? '') : '',
    },
    isKeepAlive: !isCloseDelimited && keepsAlive(framing.connection, isOld),
    isCloseDelimited,
  }
}
