/** What a log line says of who called, as bytes: made once for many requests of a caller. */
import type { RequestRecord } from '#/proxy/events.ts'
import { formatCaller, peerName } from './log-line.ts'

interface CallerBytes {
  forwardedFor: string | undefined
  userAgent: string
  authority: string
  remoteAddress: string
  peer: string
  bytes: Uint8Array
}

/** A power of two: each caller has one place, which the last to come to it has taken. */
const places = 256
const known = new Array<CallerBytes | undefined>(places).fill(undefined)
/** Longer ones are not kept. */
const bytesMax = 1024

export function callerBytes(record: RequestRecord): Uint8Array {
  const { forwardedFor, userAgent, authority, remoteAddress } = record
  const peer = peerName(record)
  const place = placeOf(record, peer)
  const before = known[place]
  if (
    before !== undefined &&
    before.remoteAddress === remoteAddress &&
    before.authority === authority &&
    before.userAgent === userAgent &&
    before.forwardedFor === forwardedFor &&
    before.peer === peer
  )
    return before.bytes
  const text = formatCaller(record)
  // Memory of its own: a piece of the pool that `Buffer.from` cuts from would keep all 64 KB of it.
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  bytes.write(text)
  if (bytes.length <= bytesMax) known[place] = { forwardedFor, userAgent, authority, remoteAddress, peer, bytes }
  return bytes
}

/** By lengths and a few characters where texts of one length differ: the end of an address, of a name, of a chain. */
function placeOf({ forwardedFor = '', userAgent, authority, remoteAddress }: RequestRecord, peer: string): number {
  const ends = lastOf(remoteAddress) + 7 * lastOf(forwardedFor) + 31 * lastOf(peer)
  const lengths = 3 * userAgent.length + 5 * authority.length + 11 * forwardedFor.length + 13 * peer.length
  return (ends + lengths + 17 * remoteAddress.length) & (places - 1)
}

function lastOf(text: string): number {
  return text.length === 0 ? 0 : text.charCodeAt(text.length - 1)
}
