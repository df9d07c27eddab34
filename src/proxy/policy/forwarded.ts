/**
 * Headers that tell the application where a request came from. They are set once on the way, by the sidecar that takes
 * the request from its client; `traceparent` and `tracestate` pass through untouched, and no `via` is written, since it
 * would show the mesh to the outside.
 */
import { getHeader, type HeaderList, type RequestHead } from '#/codec/message.ts'
import type { Random } from '#/std/random.ts'

/**
 * Appends the client to `x-forwarded-for`, and sets `x-forwarded-proto` and `x-forwarded-host` unless a proxy before us
 * did. In place, before a rewrite changes the authority.
 * @param remoteAddress without port.
 */
export function setForwarded(head: RequestHead, remoteAddress: string): void {
  const { headers } = head
  let forwardedFor = -1
  let hasProto = false
  let hasHost = false
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    // One look at a character spares three comparisons for nearly every header.
    if (name.charCodeAt(0) !== 0x78) continue
    if (name === 'x-forwarded-for') forwardedFor = i
    else if (name === 'x-forwarded-proto') hasProto = true
    else if (name === 'x-forwarded-host') hasHost = true
  }
  // Repeated fields read as one list (RFC 9110 section 5.3), so the last is the one to lengthen.
  if (forwardedFor < 0) headers.push('x-forwarded-for', remoteAddress)
  else headers[forwardedFor + 1] += `, ${remoteAddress}`
  if (!hasProto) headers.push('x-forwarded-proto', head.scheme)
  if (!hasHost && head.authority !== '') headers.push('x-forwarded-host', head.authority)
}

/** The request's `x-request-id`; made and added when it has none or an empty one. */
export function ensureRequestId(headers: HeaderList, random: Random): string {
  const given = getHeader(headers, 'x-request-id')
  if (given !== undefined && given !== '') return given
  const id = makeRequestId(random)
  if (given === undefined) headers.push('x-request-id', id)
  else headers[headers.indexOf('x-request-id') + 1] = id
  return id
}

const hexBytes = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

function hexWord(word: number): string {
  return hexBytes[word >>> 24]! + hexBytes[(word >>> 16) & 255]! + hexBytes[(word >>> 8) & 255]! + hexBytes[word & 255]!
}

/**
 * 122 random bits in the form of a UUID of version 4 (RFC 9562 section 5.4). Unique, not secret: it tells requests
 * apart and grants nothing, so the fast generator serves.
 */
export function makeRequestId(random: Random): string {
  const a = (random() * 4294967296) >>> 0
  const b = (((random() * 4294967296) >>> 0) & 0xffff0fff) | 0x4000
  const c = (((random() * 4294967296) >>> 0) & 0x3fffffff) | 0x80000000
  const d = (random() * 4294967296) >>> 0
  const bHex = hexWord(b)
  const cHex = hexWord(c)
  return `${hexWord(a)}-${bHex.slice(0, 4)}-${bHex.slice(4)}-${cHex.slice(0, 4)}-${cHex.slice(4)}${hexWord(d)}`
}
