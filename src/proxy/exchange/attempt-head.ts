/** What the head of a request says to the endpoint of one attempt. */
import { type HeaderList, type RequestHead, setHeader } from '#/codec/message.ts'
import { formatGrpcTimeout } from '#/proxy/policy/grpc.ts'
import { attemptTimeoutMs } from '#/proxy/policy/timeout.ts'
import type { UpstreamSlot } from '#/proxy/upstream/upstream-cluster.ts'
import type { Exchange } from './exchange.ts'
import { peerHeader } from './mesh-header.ts'

/** @param peerText told to meshed endpoints; empty for none. */
export function headForAttempt(exchange: Exchange, slot: UpstreamSlot, peerText: string): RequestHead {
  const { head, grpc } = exchange
  const { headers } = head
  if (grpc) tellTimeLeft(exchange, headers)
  const hasPeer = headers[headers.length - 2] === peerHeader
  const tellsPeer = peerText !== '' && slot.endpoint.isMeshed
  // It stands at the end, where we put it: an attempt to another endpoint may have to take it back.
  if (hasPeer && !tellsPeer) headers.length -= 2
  else if (!hasPeer && tellsPeer) headers.push(peerHeader, peerText)
  return head
}

/** Each hop has less than the one before; the endpoint learns what is left, the rule's limit included. */
function tellTimeLeft(exchange: Exchange, headers: HeaderList): void {
  const leftMs = attemptTimeoutMs(exchange.timeouts, exchange.elapsedMs())
  if (leftMs !== 0) setHeader(headers, 'grpc-timeout', formatGrpcTimeout(leftMs))
}
