/** What TLS on the client's connection means for its requests. */
import type { Exchange } from '#/proxy/exchange/exchange.ts'
import type { StepOutcome } from '#/proxy/exchange/road.ts'
import { parseHostPort } from '#/std/host-port.ts'

const httpsPort = 443

/**
 * The scheme is known by the connection, whatever the request says. A host that the connection was not opened for answers 421
 * (RFC 9110 section 15.5.20), so that a client that coalesces connections (RFC 9113 section 9.1.1) opens another.
 */
export function refuseMisdirected(exchange: Exchange): StepOutcome {
  const { tls } = exchange.entrance
  // Between sidecars TLS is the mesh's, and what the request says of itself is the caller's.
  if (!tls || tls.mesh) return 'next'
  const { head } = exchange
  head.scheme = 'https'
  const host = parseHostPort(head.authority, httpsPort)?.host
  if (host === undefined || tls.covers(host)) return 'next'
  const asked = tls.serverName === '' ? 'no server name' : tls.serverName
  exchange.fail('misdirected', `the connection was opened for ${asked}, not for ${host}`)
  return 'taken'
}
