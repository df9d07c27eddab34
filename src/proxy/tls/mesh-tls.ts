/** Whom a sidecar expects at the other end of TLS, where that is another one for each endpoint (docs/decisions/0010-zero-trust.md). */
import type { Endpoint } from '#/model/endpoint.ts'
import { meshAlpn, meshServerName } from '#/model/mutual-tls.ts'
import type { ClientTls } from '#/model/tls.ts'
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

/**
 * At an endpoint that is the host of the call: the host itself, where the cluster names nobody.
 * @returns undefined where it does.
 */
export function expectHost({ serverName, subjectNames, alpn }: ClientTls, host: string): PeerExpectation | undefined {
  return serverName === '' && !subjectNames ? { serverName: host, subjectNames: [host], alpn } : undefined
}
