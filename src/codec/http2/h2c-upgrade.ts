/** A first request of HTTP/1.1 that asks to go on in HTTP/2 (RFC 7540 section 3.2; RFC 9113 calls it obsolete, and curl still does it). */
import type { Http1Limits } from '../http1/limits.ts'
import { parseRequestHead } from '../http1/request-head.ts'
import type { RequestHead } from '../message.ts'

export interface H2cUpgrade {
  head: RequestHead
  /** The payload of the client's SETTINGS. */
  settings: Buffer
  /** Behind the request. */
  rest: Buffer
}

/** What is answered before HTTP/2 begins. */
export const switchingText = 'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: h2c\r\n\r\n'

const headEnd = Buffer.from('\r\n\r\n')
const upgradeField = /\r\nupgrade:[ \t]*h2c[ \t]*\r\n/i
const settingsField = /\r\nhttp2-settings:[ \t]*([A-Za-z0-9_-]*)[ \t]*(?=\r\n)/gi

/**
 * @param bytes the first ones of a connection.
 * @returns undefined for any other request, and for one with a body, which is answered in HTTP/1.1: nobody has to switch.
 */
export function readH2cUpgrade(bytes: Buffer, limits: Http1Limits): H2cUpgrade | undefined {
  const end = bytes.indexOf(headEnd)
  if (end < 0 || end > limits.headerBytesMax) return undefined
  const text = bytes.toString('latin1', 0, end + 2)
  const settings = upgradeField.test(text) ? readSettings(text) : undefined
  if (!settings) return undefined
  const head = parsed(text.slice(0, -2), limits)
  if (head?.bodyLength !== 0 || head.expectsContinue || head.version !== 'HTTP/1.1') return undefined
  return { head, settings, rest: bytes.subarray(end + headEnd.length) }
}

/** Exactly one, in base64url. */
function readSettings(text: string): Buffer | undefined {
  const [field, ...more] = [...text.matchAll(settingsField)]
  if (!field || more.length > 0) return undefined
  const settings = Buffer.from(field[1]!, 'base64url')
  return settings.length % 6 === 0 ? settings : undefined
}

/** What can't be read is for the codec of HTTP/1.1 to refuse. */
function parsed(text: string, limits: Http1Limits): RequestHead | undefined {
  try {
    return parseRequestHead(text, limits).head
  } catch (error) {
    if (error instanceof Error) return undefined
    throw error
  }
}
