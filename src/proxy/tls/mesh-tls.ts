/** Whom a sidecar expects at the other end of mutual TLS (docs/decisions/0010-zero-trust.md). */
import type { Endpoint } from '#/model/endpoint.ts'
import { meshAlpn, meshServerName } from '#/model/mutual-tls.ts'
import type { PeerExpectation } from './tls-exit.ts'

const noAlpn: readonly string[] = []

/**
 * Who has to answer at an endpoint that takes mutual TLS: its own id, not just any of the mesh.
 * @param isStream opaque bytes are sent, for which no protocol is agreed on.
 */
export function expectPeer({ port, tls, workload }: Endpoint, isStream: boolean): PeerExpectation {
  const { serviceAccount = '', namespace = '' } = workload ?? {}
  return {
    serverName: meshServerName({ port, serviceAccount, namespace }),
    subjectNames: [tls!.spiffeId],
    alpn: isStream ? noAlpn : meshAlpn,
  }
}
