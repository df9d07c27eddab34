/** From the text of an answer's head to `ResponseHead` (RFC 9112 section 4). */
import type { ResponseHead } from '../message.ts'
import { unknownLength } from '../message.ts'
import { badMessage, FramingFault } from './fault.ts'
import type { FieldMemory } from './framing.ts'
import { isChunked, keepsAlive, lineEnd, readFields } from './framing.ts'
import type { Http1Limits } from './limits.ts'

/** How the body of a message ends (RFC 9112 section 6.3). */
export type BodyFraming = 'none' | 'fixed' | 'chunked' | 'until-close'

export interface ParsedResponse {
  head: ResponseHead
  isKeepAlive: boolean
  body: BodyFraming
}

/** Answers that have no body whatever their fields say (RFC 9112 section 6.3). */
export function isBodiless(method: string, status: number): boolean {
  return method === 'HEAD' || status === 204 || status === 304 || status < 200
}

/**
 * Reads an answer's head: `text` ends before the empty line.
 * @param method of the request that it answers: an answer to HEAD has no body.
 * @throws FramingFault for what RFC 9112 forbids or could be read in two ways.
 */
export function parseResponseHead(
  text: string,
  method: string,
  limits: Http1Limits,
  memory?: FieldMemory,
): ParsedResponse {
  const lineFeed = text.indexOf('\n')
  const end = statusLineEnd(text, lineFeed, limits)
  const isOld = isOldVersion(text)
  const status = readStatus(text, end)
  const framing = readFields(text, lineFeed < 0 ? text.length : lineFeed + 1, limits, memory)
  const isBodyChunked = isChunked(framing, isOld)
  const { length } = framing
  const isWithoutLength = status < 200 || status === 204
  // No such answer may announce a body; one that does might send it, and it would be read as the next answer.
  const isAmbiguous = isWithoutLength && (isBodyChunked || length > 0)
  const body = isBodiless(method, status)
    ? 'none'
    : isBodyChunked
      ? 'chunked'
      : length === unknownLength
        ? 'until-close'
        : 'fixed'
  return {
    head: {
      status,
      headers: framing.headers,
      bodyLength: isWithoutLength ? 0 : length,
      upgrade: status === 101 && framing.connection.includes('upgrade') ? (framing.upgrade[0] ?? '') : '',
    },
    isKeepAlive: body !== 'until-close' && !isAmbiguous && keepsAlive(framing, isOld),
    body,
  }
}

function statusLineEnd(text: string, lineFeed: number, limits: Http1Limits): number {
  const length = lineFeed < 0 ? text.length : lineFeed - 1
  if (length > limits.requestLineBytesMax) {
    throw new FramingFault('request_line_too_long', `a first line of more than ${limits.requestLineBytesMax} bytes`)
  }
  return lineFeed < 0 ? text.length : lineEnd(text, lineFeed)
}

/** A later minor version of an answer is read as 1.1 (RFC 9110 section 2.5): the server knows from our request that we speak no more. */
function isOldVersion(text: string): boolean {
  const minor = text.charCodeAt(7) - 0x30
  if (text.slice(0, 7) !== 'HTTP/1.' || !(minor >= 0 && minor <= 9))
    throw badMessage('the status line does not begin with HTTP/1.1')
  return minor === 0
}

/** 100 to 599, with or without a reason (RFC 9112 section 4 lets a client accept its absence with the space before it). */
function readStatus(text: string, end: number): number {
  const isSpaced = text.charCodeAt(8) === 0x20 && (end === 12 || text.charCodeAt(12) === 0x20)
  const hundreds = digitAt(text, 9)
  const status = hundreds * 100 + digitAt(text, 10) * 10 + digitAt(text, 11)
  if (!isSpaced || end < 12 || !(hundreds >= 1 && hundreds <= 5) || Number.isNaN(status)) {
    throw badMessage('the status line is not HTTP/1.1 STATUS REASON')
  }
  for (let i = 13; i < end; i++) {
    const code = text.charCodeAt(i)
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) throw badMessage('the status line holds a control character')
  }
  return status
}

function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - 0x30
  return digit >= 0 && digit <= 9 ? digit : Number.NaN
}
