/** From the text of a request's head to `RequestHead` (RFC 9112 section 3). */
import type { RequestHead } from '../message.ts'
import { unknownLength } from '../message.ts'
import { badMessage, FramingFault } from './fault.ts'
import type { FieldMemory, Framing } from './framing.ts'
import { isChunked, keepsAlive, lineEnd, readFields } from './framing.ts'
import type { Http1Limits } from './limits.ts'
import { isAuthority, isTargetText, isToken } from './syntax.ts'

/** A request's head with what only its connection needs to know. */
export interface ParsedRequest {
  head: RequestHead
  isKeepAlive: boolean
}

interface RequestLine {
  method: string
  target: string
  isOld: boolean
}

interface Target {
  authority: string
  path: string
  isAbsolute: boolean
}

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE'])

export function isMethod(text: string): boolean {
  return text === 'GET' || knownMethods.has(text) || isToken(text)
}

/**
 * Reads a request's head: `text` ends before the empty line.
 * @throws FramingFault for what RFC 9112 forbids or could be read in two ways.
 */
export function parseRequestHead(text: string, limits: Http1Limits, memory?: FieldMemory): ParsedRequest {
  const lineFeed = text.indexOf('\n')
  const line = readRequestLine(text, lineFeed, limits)
  const framing = readFields(text, lineFeed < 0 ? text.length : lineFeed + 1, limits, memory)
  const { method, isOld } = line
  const isBodyChunked = isChunked(framing, isOld)
  const { authority, path, isAbsolute } = readTarget(line, hostOf(framing, isOld))
  if (framing.expect !== '' && framing.expect !== '100-continue' && !isOld) {
    throw new FramingFault('expectation_failed', 'Expect asks for something other than 100-continue')
  }
  const bodyLength = isBodyChunked || framing.length !== unknownLength ? framing.length : 0
  return {
    head: {
      method,
      scheme: 'http',
      authority,
      path,
      headers: framing.headers,
      version: isOld ? 'HTTP/1.0' : 'HTTP/1.1',
      bodyLength,
      upgrade: framing.upgrade.length === 0 || isOld || bodyLength !== 0 ? '' : upgradeOf(framing),
      // An expectation without a body expects nothing; HTTP/1.0 knows none (RFC 9110 section 10.1.1).
      expectsContinue: framing.expect !== '' && !isOld && bodyLength !== 0,
      isAbsolute,
    },
    isKeepAlive: keepsAlive(framing, isOld),
  }
}

/**
 * Reads the head of a CONNECT. @returns its target, a host with optional port (RFC 9112 section 3.2.3).
 * @throws FramingFault for what RFC 9112 forbids, and for content, which would be taken for the tunnel's (RFC 9110 section 9.3.6).
 */
export function parseConnectHead(text: string, limits: Http1Limits): string {
  const lineFeed = text.indexOf('\n')
  const { method, target, isOld } = readRequestLine(text, lineFeed, limits)
  const framing = readFields(text, lineFeed < 0 ? text.length : lineFeed + 1, limits)
  hostOf(framing, isOld)
  if (method !== 'CONNECT' || !isAuthority(target)) throw badMessage('the target of CONNECT is no host with a port')
  if (isChunked(framing, isOld) || framing.length > 0) throw badMessage('CONNECT has content')
  return target
}

/**
 * The protocol asked for. `h2c` is not one: it is obsolete (RFC 9113 section 3.1), and a tunnel of it would carry requests
 * past every rule of the proxy. A request with a body is not upgraded either (RFC 9110 section 7.8 leaves that to us): its
 * body and the tunnel would be one stream of bytes.
 */
function upgradeOf({ connection, upgrade }: Framing): string {
  if (!connection.includes('upgrade')) return ''
  const protocol = upgrade[0]!
  return protocol === 'h2c' ? '' : protocol
}

function readRequestLine(text: string, lineFeed: number, limits: Http1Limits): RequestLine {
  const length = lineFeed < 0 ? text.length : lineFeed - 1
  if (length > limits.requestLineBytesMax) {
    throw new FramingFault('request_line_too_long', `a first line of more than ${limits.requestLineBytesMax} bytes`)
  }
  const end = lineFeed < 0 ? text.length : lineEnd(text, lineFeed)
  if (end === 0) throw badMessage('the request line is empty')
  const first = text.indexOf(' ')
  const second = text.indexOf(' ', first + 1)
  if (first <= 0 || second < 0 || second >= end) throw badMessage('the request line is not METHOD TARGET VERSION')
  const method = text.startsWith('GET ') ? 'GET' : text.slice(0, first)
  if (!isMethod(method)) throw badMessage('the method is no token')
  const isOld = isOldVersion(text, second + 1, end)
  const target = text.slice(first + 1, second)
  if (!isTargetText(target)) throw badMessage('the target is empty or holds a character that no target may hold')
  return { method, target, isOld }
}

/** @throws FramingFault for anything but HTTP/1.1 and HTTP/1.0: what a later minor version would mean is not known. */
function isOldVersion(text: string, start: number, end: number): boolean {
  if (end - start === 8 && text.startsWith('HTTP/1.1', start)) return false
  const version = text.slice(start, end)
  if (version === 'HTTP/1.0') return true
  if (/^HTTP\/[0-9]\.[0-9]$/.test(version)) {
    throw new FramingFault('unsupported_version', 'a version other than HTTP/1.1 and HTTP/1.0')
  }
  throw badMessage('the request line does not end in HTTP/1.1')
}

/** The value of Host, checked where it was read; empty when there is none (RFC 9112 section 3.2). */
function hostOf({ host, hostCount }: Framing, isOld: boolean): string {
  if (hostCount > 1) throw badMessage('Host stands there twice')
  if (host === undefined || host === '') {
    if (!isOld) throw badMessage(host === undefined ? 'Host is missing' : 'Host is empty')
    return ''
  }
  return host
}

function readTarget({ method, target }: RequestLine, host: string): Target {
  // It names a host and a port, no resource; RFC 9110 section 9.3.6 lets a server that makes no tunnels refuse it.
  if (method === 'CONNECT') throw new FramingFault('unsupported_method', 'CONNECT')
  if (target.charCodeAt(0) === 0x2f) return { authority: host, path: target, isAbsolute: false }
  if (target === '*' && method === 'OPTIONS') return { authority: host, path: '*', isAbsolute: false }
  const schemeEnd = target.indexOf('://')
  if (schemeEnd < 0) throw badMessage('the target is neither a path nor a URL')
  return readAbsolute(target, schemeEnd, method)
}

/** The authority of an absolute target replaces Host (RFC 9112 section 3.2.2). */
function readAbsolute(target: string, schemeEnd: number, method: string): Target {
  if (target.slice(0, schemeEnd).toLowerCase() !== 'http')
    throw badMessage('the URL of the target is not of the scheme http')
  const start = schemeEnd + 3
  const slash = target.indexOf('/', start)
  const mark = target.indexOf('?', start)
  const end = slash >= 0 && (mark < 0 || slash < mark) ? slash : mark >= 0 ? mark : target.length
  const authority = target.slice(start, end)
  if (!isAuthority(authority)) throw badMessage('the authority of the target is no host name with optional port')
  if (end === target.length) return { authority, path: method === 'OPTIONS' ? '*' : '/', isAbsolute: true }
  const path = target.slice(end)
  return { authority, path: end === slash ? path : `/${path}`, isAbsolute: true }
}
