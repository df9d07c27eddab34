/** Field lists of requests ⇄ `RequestHead` (RFC 9113 section 8.3.1; RFC 8441 for `:protocol`). */

import { UnwritableMessage } from '../http1/fault.ts'
import { isMethod } from '../http1/request-head.ts'
import { isAuthority, isTargetText, parseLength } from '../http1/syntax.ts'
import type { HeaderList, RequestHead } from '../message.ts'
import { shorten, unknownLength } from '../message.ts'
import { copyFields, type FieldList } from './field-list.ts'
import { writeFields } from './field-writer.ts'
import type { HpackEncoder } from './hpack/encoder.ts'
import { MessageFault, malformed } from './message-fault.ts'

/** Of this connection, which HTTP/2 has other means for (RFC 9113 section 8.2.2). */
function isOfConnection(name: string): boolean {
  switch (name) {
    case 'connection':
    case 'proxy-connection':
    case 'keep-alive':
    case 'transfer-encoding':
    case 'upgrade':
      return true
    default:
      return false
  }
}

/** Fields beside the pseudo-fields, read for framing. One object is used again and again: a list is read in one go. */
class Fields {
  headers: HeaderList = []
  length = unknownLength
  host: string | undefined
  expectsContinue = false
  acceptsTrailers = false
}

const fields = new Fields()

/**
 * @param isEnd the request has no body.
 * @throws MessageFault for what RFC 9113 calls malformed.
 */
export function readRequest(source: FieldList, isEnd: boolean, requestLineBytesMax: number): RequestHead {
  const { list, count } = source
  let method = ''
  let scheme = ''
  let authority: string | undefined
  let path: string | undefined
  let protocol: string | undefined
  let i = 0
  for (; i < count && list[i]!.charCodeAt(0) === 0x3a; i += 2) {
    const value = list[i + 1]!
    switch (list[i]) {
      case ':method':
        if (method !== '') throw malformed(':method stands there twice')
        method = value
        break
      case ':scheme':
        if (scheme !== '') throw malformed(':scheme stands there twice')
        scheme = value
        break
      case ':authority':
        if (authority !== undefined) throw malformed(':authority stands there twice')
        authority = value
        break
      case ':path':
        if (path !== undefined) throw malformed(':path stands there twice')
        path = value
        break
      case ':protocol':
        if (protocol !== undefined) throw malformed(':protocol stands there twice')
        protocol = value
        break
      default:
        throw malformed(`${list[i]} is no pseudo-field of a request`)
    }
  }
  if (!isMethod(method)) throw malformed(method === '' ? ':method is missing' : ':method is no token')
  if (path !== undefined && path.length > requestLineBytesMax) {
    throw new MessageFault('request_line_too_long', `a path of more than ${requestLineBytesMax} bytes`)
  }
  readFields(source, i)
  const host = readAuthority(authority, fields.host)
  const isConnect = method === 'CONNECT' && protocol === undefined
  if (isConnect) checkConnect({ scheme, path, host, length: fields.length })
  else checkTarget({ method, scheme, path, protocol })
  const isUpgrade = protocol !== undefined
  return {
    // An extended CONNECT is what HTTP/1.1 does by `GET` and `Upgrade`.
    method: isUpgrade ? 'GET' : method,
    scheme: scheme === 'https' ? 'https' : 'http',
    authority: host,
    path: path ?? '',
    headers: fields.headers,
    version: 'HTTP/2',
    bodyLength: isUpgrade ? 0 : bodyLength(fields.length, isEnd),
    upgrade: protocol?.toLowerCase() ?? '',
    expectsContinue: fields.expectsContinue,
    isAbsolute: false,
    acceptsTrailers: fields.acceptsTrailers,
  }
}

function bodyLength(said: number, isEnd: boolean): number {
  if (isEnd && said > 0) throw malformed('content-length announces a body, and there is none')
  return isEnd ? 0 : said
}

/** `host` may say the same again, or stand for a missing `:authority` (RFC 9113 section 8.3.1). */
function readAuthority(authority: string | undefined, host: string | undefined): string {
  const name = authority ?? host
  if (name === undefined || name === '') throw malformed(':authority is missing')
  if (host !== undefined && host !== name) throw malformed('host and :authority differ')
  if (!isAuthority(name)) throw malformed(':authority is no host name with optional port')
  return name
}

/** RFC 9113 section 8.5. */
function checkConnect(connect: { scheme: string; path: string | undefined; host: string; length: number }): void {
  const { scheme, path, host, length } = connect
  // As in HTTP/1.1: it would be taken for the tunnel's (RFC 9110 section 9.3.6).
  if (length > 0) throw malformed('CONNECT has content')
  if (scheme !== '' || path !== undefined) throw malformed('CONNECT with :scheme or :path')
  if (!/:\d+$/.test(host)) throw malformed('CONNECT names no port')
}

interface Target {
  method: string
  scheme: string
  path: string | undefined
  protocol: string | undefined
}

function checkTarget({ method, scheme, path, protocol }: Target): void {
  if (scheme !== 'http' && scheme !== 'https') throw malformed(`:scheme is ${scheme === '' ? 'missing' : 'not http'}`)
  if (path === undefined || path === '') throw malformed(':path is missing')
  const isAsterisk = path === '*' && method === 'OPTIONS'
  if (!isAsterisk && path.charCodeAt(0) !== 0x2f) throw malformed(':path does not begin with a slash')
  if (!isTargetText(path)) throw malformed(':path holds a character that no path may hold')
  if (protocol === undefined) return
  if (method !== 'CONNECT') throw malformed(':protocol without CONNECT')
  if (!isMethod(protocol)) throw malformed(':protocol is no token')
}

/** Into `fields`. */
function readFields(source: FieldList, start: number): void {
  const { list, count } = source
  fields.length = unknownLength
  fields.host = undefined
  fields.expectsContinue = false
  fields.acceptsTrailers = false
  const headers = copyFields(source, start)
  fields.headers = headers
  let kept = 0
  let cookies = -1
  for (let i = start; i < count; i += 2) {
    const name = list[i]!
    const value = list[i + 1]!
    switch (name) {
      case 'content-length':
        fields.length = readLength(fields.length, value)
        break
      case 'host':
        if (fields.host !== undefined) throw malformed('host stands there twice')
        fields.host = value
        break
      case 'te':
        if (value !== 'trailers') throw malformed('te says something other than trailers')
        fields.acceptsTrailers = true
        break
      case 'expect':
        if (value.toLowerCase() !== '100-continue')
          throw new MessageFault('expectation_failed', 'expect asks for something other than 100-continue')
        fields.expectsContinue = true
        break
      case 'cookie':
        // Crumbs become one field again (RFC 9113 section 8.2.3).
        if (cookies >= 0) headers[cookies] += `; ${value}`
        else {
          headers[kept] = name
          headers[kept + 1] = value
          cookies = kept + 1
          kept += 2
        }
        break
      case 'trailer':
      case 'http2-settings':
        break
      default:
        if (name.charCodeAt(0) === 0x3a) throw malformed('a pseudo-field stands behind other fields')
        if (isOfConnection(name)) throw malformed(`${name} has no place in HTTP/2`)
        headers[kept] = name
        headers[kept + 1] = value
        kept += 2
    }
  }
  shorten(headers, kept)
}

/** A list of the same length twice is refused too: readers differ on it. */
export function readLength(before: number, value: string): number {
  const length = parseLength(value)
  if (length < 0) throw malformed('content-length is no number')
  if (before !== unknownLength) throw malformed('content-length stands there twice')
  return length
}

/** Fields that a block of trailers may not hold, or that HTTP/2 knows otherwise. @throws MessageFault */
export function readTrailers({ list, count }: FieldList): HeaderList {
  const trailers: HeaderList = []
  for (let i = 0; i < count; i += 2) {
    const name = list[i]!
    if (name.charCodeAt(0) === 0x3a) throw malformed('a pseudo-field stands in trailers')
    if (isOfConnection(name)) throw malformed(`${name} has no place in HTTP/2`)
    if (!notInTrailers.has(name)) trailers.push(name, list[i + 1]!)
  }
  return trailers
}

/** Framing, routing and authentication are settled by then (RFC 9110 section 6.5.1): dropped, as HTTP/1.1's reader does. */
const notInTrailers = new Set([
  'content-length',
  'host',
  'te',
  'trailer',
  'expect',
  'authorization',
  'proxy-authorization',
  'cookie',
  'set-cookie',
  'content-encoding',
  'content-type',
  'content-range',
])

/**
 * Writes a request's fields into the encoder.
 * @param bodyLength that will be written; `unknownLength` when nobody knows.
 * @throws UnwritableMessage when something could not be read back as it was meant.
 */
export function writeRequest(encoder: HpackEncoder, head: RequestHead, bodyLength: number): void {
  const { method, scheme, authority, path, upgrade } = head
  if (!isMethod(method)) throw new UnwritableMessage('the method is no token')
  if (!isAuthority(authority)) throw new UnwritableMessage('the authority is no host name with optional port')
  const isConnect = method === 'CONNECT' && upgrade === ''
  if (!isConnect && !isTargetText(path)) {
    throw new UnwritableMessage('the path is empty or holds a character that no path may hold')
  }
  encoder.begin()
  encoder.field(':method', upgrade === '' ? method : 'CONNECT')
  if (!isConnect) {
    encoder.field(':scheme', scheme)
    encoder.field(':path', path)
  }
  encoder.field(':authority', authority)
  if (upgrade !== '') {
    if (!isMethod(upgrade)) throw new UnwritableMessage('the protocol to upgrade to is no token')
    encoder.field(':protocol', upgrade)
  }
  writeFields(encoder, head.headers, '')
  if (bodyLength > 0 || (bodyLength === 0 && methodsWithBody.has(method))) {
    encoder.field('content-length', String(bodyLength))
  }
  if (head.acceptsTrailers) encoder.field('te', 'trailers')
  if (head.expectsContinue) encoder.field('expect', '100-continue')
}

/** Methods whose requests are expected to have a body: none is said too (RFC 9110 section 8.6). */
const methodsWithBody = new Set(['POST', 'PUT', 'PATCH'])
