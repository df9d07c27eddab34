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

const hexDigits = Buffer.from('0123456789abcdef')
/** Where the digits of a UUID stand: dashes are at 8, 13, 18 and 23. */
const digitPlaces = Array.from({ length: 36 }, (_, at) => at).filter((at) => ![8, 13, 18, 23].includes(at))
const template = Buffer.from('00000000-0000-4000-8000-000000000000')

/**
 * 122 random bits in the form of a UUID of version 4 (RFC 9562 section 5.4). Unique, not secret: it tells requests
 * apart and grants nothing, so the fast generator serves. Written into one buffer: text put together from pieces would
 * leave twenty of them for the collector.
 */
export function makeRequestId(random: Random): string {
  for (let word = 0; word < 4; word++) {
    const bits = (random() * 4294967296) >>> 0
    for (let digit = 0; digit < 8; digit++) {
      template[digitPlaces[word * 8 + digit]!] = hexDigits[(bits >>> (digit * 4)) & 15]!
    }
  }
  template[14] = 0x34
  template[19] = hexDigits[8 + Math.floor(random() * 4)]!
  return template.toString('latin1')
}
