/** What mutual TLS between sidecars means for requests: who calls, whether that is enough, and what the application is told of it. */
import { getHeader, removeHeader } from '#/codec/message.ts'
import { mutualTlsModeAt } from '#/model/mutual-tls.ts'
import type { Exchange } from '#/proxy/exchange/exchange.ts'
import { takePeer } from '#/proxy/exchange/mesh-header.ts'
import type { StepOutcome } from '#/proxy/exchange/road.ts'
import type { MeshCaller } from '#/proxy/tls/tls-entrance.ts'

/** Envoy's name for it. */
const certificateHeader = 'x-forwarded-client-cert'

/** Where a port is strict plain text is not answered, not even over a connection that was there before. */
export function requireMutualTls(exchange: Exchange): StepOutcome {
  const { listener, original, tls } = exchange.entrance
  const { mutualTls } = listener.listener
  if (mutualTls === undefined || tls?.mesh) return 'next'
  if (mutualTlsModeAt(mutualTls, original?.port) !== 'strict') return 'next'
  exchange.fail('mtls_required', 'the caller speaks plain text')
  return 'taken'
}

/**
 * Who calls, for metrics and for how much it may be told. Where sidecars have identities the certificate says who it is, and what the
 * caller's sidecar says beside counts only as far as it fits; the application does not see it.
 */
export function readPeer(exchange: Exchange): StepOutcome {
  const { listener, tls } = exchange.entrance
  const peer = takePeer(exchange.head.headers)
  if (listener.listener.mutualTls === undefined) {
    if (peer) exchange.setPeer(peer)
  } else if (tls?.mesh) {
    const { namespace, serviceAccount } = tls.mesh
    const isTrue = peer?.namespace === namespace && peer.serviceAccount === serviceAccount
    exchange.setPeer(isTrue ? peer : bareIdentity(tls.mesh))
  }
  return 'next'
}

/** One object a caller: metric series hang on its identity. */
const bare = new WeakMap<MeshCaller, NonNullable<Exchange['record']['peer']>>()

function bareIdentity(caller: MeshCaller): NonNullable<Exchange['record']['peer']> {
  let identity = bare.get(caller)
  if (!identity) {
    const { namespace, serviceAccount } = caller
    identity = { namespace, serviceAccount, workload: '', pod: '', app: '', version: '' }
    bare.set(caller, identity)
  }
  return identity
}

/** The application learns who called from us alone (Envoy: SANITIZE_SET). */
export function tellCaller(exchange: Exchange): StepOutcome {
  const { headers } = exchange.head
  if (getHeader(headers, certificateHeader) !== undefined) removeHeader(headers, certificateHeader)
  const caller = exchange.entrance.tls?.mesh
  if (caller) headers.push(certificateHeader, caller.forwardedCertificate)
  return 'next'
}
