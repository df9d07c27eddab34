/** Connections to the control plane by TLS: who answers must be the control plane of the trust domain. */
import { type KeyObject, X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { HostPort } from '#/std/host-port.ts'
import { readExtensions } from '../spiffe/certificate-extension.ts'
import { controlAccount, controlDnsName, formatSpiffeId, serviceAccountId } from '../spiffe/spiffe-id.ts'

export interface SecureDialOptions {
  /** PEM of the trusted roots. */
  roots: string
  trustDomain: string
  /** Who we are; nothing before the first leaf. */
  leaf?: { certificateChainPem: string; privateKey: KeyObject }
}

/** Not connected yet; tells a handshake that failed by `error`. TLS 1.3, and HTTP/2 by ALPN. */
export function dialSecurely(address: HostPort, { roots, trustDomain, leaf }: SecureDialOptions): TLSSocket {
  // Only where it is needed, for `node:tls` costs 2 MB; an import, lazy or not, would be loaded at the start of a bundle.
  const { connect } = process.getBuiltinModule('node:tls')
  const expected = formatSpiffeId(serviceAccountId(trustDomain, controlAccount))
  return connect({
    ...address,
    ca: roots,
    ...(leaf
      ? { cert: leaf.certificateChainPem, key: leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
      : {}),
    servername: controlDnsName,
    ALPNProtocols: ['h2'],
    minVersion: 'TLSv1.3',
    checkServerIdentity: (_host, { raw }) => {
      const { uris } = readExtensions(new X509Certificate(raw))
      if (uris.length === 1 && uris[0] === expected) return undefined
      return new Error(`who answers is ${uris.join(', ') || 'nobody by SPIFFE'}, not ${expected}`)
    },
  })
}
