/** How long a server asks its callers to wait before they try again. */
import { getHeader, type HeaderList } from '#/codec/message.ts'

/** A request is held while it waits: what asks for more gets its answer passed on instead, ms. */
export const pushbackMsMax = 10_000

/**
 * By `grpc-retry-pushback-ms` (gRFC A6: what is negative, or no number, forbids retries) or `retry-after` (RFC 9110 section 10.2.3: seconds,
 * or a date).
 * @returns ms from now, 0 when nothing is said; infinity when it must not be tried again.
 */
export function pushbackMs(headers: HeaderList, wallMs: number): number {
  const grpc = getHeader(headers, 'grpc-retry-pushback-ms')
  if (grpc !== undefined) return /^\d{1,9}$/.test(grpc) ? Number(grpc) : Number.POSITIVE_INFINITY
  const text = getHeader(headers, 'retry-after')
  if (text === undefined) return 0
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const dateMs = Date.parse(text)
  // What can't be read asks for nothing.
  return Number.isNaN(dateMs) ? 0 : Math.max(0, dateMs - wallMs)
}
