/** Headers that a sidecar writes and takes away by itself, and those that a rule changes in answers. */
import type { ResponseHead } from '#/codec/message.ts'
import { getHeader, removeHeader } from '#/codec/message.ts'
import type { Exchange } from '#/proxy/exchange/exchange.ts'
import { detailHeader, peerHeader } from '#/proxy/exchange/mesh-header.ts'
import type { StepOutcome } from '#/proxy/exchange/road.ts'
import { ensureRequestId, setForwarded } from '#/proxy/policy/forwarded.ts'
import { applyMutation } from '#/proxy/policy/header-mutation.ts'

/** The same id in every log on the way. */
export function nameRequest(exchange: Exchange): StepOutcome {
  const { record, head, context } = exchange
  if (record.requestId === '') record.requestId = ensureRequestId(head.headers, context.random)
  return 'next'
}

/** An upgrade to HTTP/2 in clear text (RFC 7540 section 3.2, withdrawn by RFC 9113) would go past us: it is not passed on. */
export function dropObsoleteUpgrade(exchange: Exchange): StepOutcome {
  if (exchange.head.upgrade === 'h2c') exchange.head.upgrade = ''
  return 'next'
}

/** Outbound: an application does not say who it is; its sidecar does. */
export function removeForgedPeer(exchange: Exchange): StepOutcome {
  if (getHeader(exchange.head.headers, peerHeader) !== undefined) removeHeader(exchange.head.headers, peerHeader)
  return 'next'
}

/** Where the request came from, told once: by the sidecar of the caller, or by ours when the caller has none. */
export function tellOrigin(exchange: Exchange): StepOutcome {
  if (exchange.isFromMesh) return 'next'
  setForwarded(exchange.head, exchange.record.remoteAddress)
  return 'next'
}

/** Outbound: only a sidecar may say what went wrong in the mesh. */
export function distrustDetail(exchange: Exchange, head: ResponseHead): void {
  const { endpoint } = exchange.record
  if (endpoint && !endpoint.isMeshed && exchange.record.code === '') removeHeader(head.headers, detailHeader)
}

/** Inbound: the application is no sidecar, and what ours has to say is for callers inside the mesh. */
export function hideDetail(exchange: Exchange, head: ResponseHead): void {
  if (exchange.record.code === '') removeHeader(head.headers, detailHeader)
}

/** The rule's changes to answers: the backend's first, then the rule's own, as Envoy orders them. */
export function changeAnswerHeaders(exchange: Exchange, head: ResponseHead): void {
  const ofBackend = exchange.backend?.responseHeaders
  if (ofBackend) applyMutation(ofBackend, head.headers)
  const ofRoute = exchange.route!.responseHeaders
  if (ofRoute) applyMutation(ofRoute, head.headers)
}
