/** Whom of those with a certificate of the mesh a sidecar takes for what they say they are (X509-SVID section 5.2), on both sides. */
import { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { verifyPeerChain } from '#/identity/spiffe/peer-chain.ts'
import { Revocations } from '#/identity/spiffe/revocation-list.ts'
import { parseSpiffeId, serviceAccountOf } from '#/identity/spiffe/spiffe-id.ts'
import { readCertificates, type TrustBundle } from '#/identity/spiffe/trust-bundle.ts'
import type { PemSource, TlsCertificate } from '#/model/tls.ts'
import type { PemWatch } from './pem-watch.ts'
import { parseSubjectNames } from './subject-name.ts'
import type { MeshCaller } from './tls-entrance.ts'

export interface MeshTrustOptions {
  /** This sidecar's own. */
  certificate: TlsCertificate
  trustedCa: PemSource
  watch: PemWatch
}

/** Made anew with each change of the certificate or the roots. */
export class MeshTrust {
  /** This sidecar's own id. */
  readonly #id: string
  /** By trust domain. */
  readonly #bundles: ReadonlyMap<string, TrustBundle>
  readonly #watch: PemWatch
  readonly #revocations: Revocations | undefined

  /** @throws when certificate or roots can't be read, or the certificate is no SVID. */
  constructor({ certificate, trustedCa, watch }: MeshTrustOptions) {
    const leaf = new X509Certificate(watch.read(certificate.chain, 'chain'))
    const [id = ''] = parseSubjectNames(leaf.subjectAltName).uri
    const parsed = parseSpiffeId(id)
    if (typeof parsed === 'string') throw new Error(`the own certificate is no SVID: ${parsed}`)
    const own = { trustDomain: parsed.trustDomain, pem: watch.readOwnRoots(trustedCa) }
    this.#id = id
    this.#watch = watch
    const revocations = watch.revocations(trustedCa)
    this.#revocations = revocations === '' ? undefined : new Revocations(revocations)
    // Nobody else speaks for our own trust domain.
    this.#bundles = new Map(
      [...watch.federated(trustedCa), own].map(({ trustDomain, pem }) => [trustDomain, bundleOf(trustDomain, pem)]),
    )
  }

  /** Why the peer will not do; empty when it will. OpenSSL has verified the chain before. */
  faultOf(socket: TLSSocket): string {
    // A resumed session was verified when it began, and holds the leaf alone.
    if (socket.isSessionReused()) return ''
    const verdict = verifyPeerChain(chainOf(socket), {
      bundleOf: (trustDomain) => this.#bundles.get(trustDomain),
      nowMs: this.#watch.nowMs,
      isRevoked: (certificate, issuer) => this.#revocations?.isRevoked(certificate, issuer) ?? false,
    })
    return verdict.ok ? '' : `${verdict.code}, ${verdict.detail}`
  }

  /** Envoy's form: By, Hash (SHA-256 of the certificate), URI. */
  callerOf(certificate: X509Certificate): MeshCaller {
    const [spiffeId = ''] = parseSubjectNames(certificate.subjectAltName).uri
    const hash = certificate.fingerprint256.replaceAll(':', '').toLowerCase()
    const id = parseSpiffeId(spiffeId)
    const account = typeof id === 'string' ? undefined : serviceAccountOf(id)
    const { namespace = '', serviceAccount = '' } = account ?? {}
    return { spiffeId, namespace, serviceAccount, forwardedCertificate: `By=${this.#id};Hash=${hash};URI=${spiffeId}` }
  }
}

function bundleOf(trustDomain: string, pem: string): TrustBundle {
  return { trustDomain, roots: readCertificates(pem), sequence: 0, refreshHintMs: 0 }
}

/** As far as it was sent, leaf first. */
function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = []
  let next = socket.getPeerX509Certificate()
  // A chain that OpenSSL has let through is short; a root is its own issuer.
  while (next && chain.length < 16 && !chain.some(({ raw }) => raw.equals(next!.raw))) {
    chain.push(next)
    next = next.issuerCertificate
  }
  return chain
}
