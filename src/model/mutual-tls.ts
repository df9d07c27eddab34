/** Mutual TLS between sidecars (docs/decisions/0010-zero-trust.md). */
import { type ClientTls, identitySecretName, type ServerTls, type TlsCertificate } from './tls.ts'
import { rootSecretName } from './trust-secret.ts'

/** `permissive`: plain text is taken as well. */
export type MutualTlsMode = 'disabled' | 'permissive' | 'strict'

/** How a listener takes connections of other sidecars. */
export interface MutualTls {
  mode: MutualTlsMode
  /** Where connections are redirected: ports, as they were dialled, that differ. */
  ports?: Readonly<Record<number, MutualTlsMode>>
}

/** @param port that a redirected connection was made to. @returns what holds there. */
export function mutualTlsModeAt(mutualTls: MutualTls | undefined, port: number | undefined): MutualTlsMode {
  if (!mutualTls) return 'disabled'
  return (port === undefined ? undefined : mutualTls.ports?.[port]) ?? mutualTls.mode
}

/**
 * By the end of its server name (SNI) TLS of the mesh is told from an application's own: `PORT.SERVICEACCOUNT.NAMESPACE.mesh`. No
 * public name ends like this.
 */
export const meshNameSuffix = '.mesh'

export function meshServerName({ port, serviceAccount, namespace }: MeshServer): string {
  return `${port}.${serviceAccount}.${namespace}${meshNameSuffix}`.toLowerCase()
}

export interface MeshServer {
  port: number
  serviceAccount: string
  namespace: string
}

/** What sidecars offer one another for requests. For opaque bytes they offer nothing. */
export const meshAlpn: readonly string[] = ['h2', 'http/1.1']

const certificate: TlsCertificate = {
  chain: { type: 'secret', name: identitySecretName },
  privateKey: { type: 'secret', name: identitySecretName },
}
const trustedCa = { type: 'secret', name: rootSecretName } as const

/** Of a listener's connections. */
export const meshServerTls: ServerTls = {
  certificates: [certificate],
  alpn: meshAlpn,
  clientCertificate: 'required',
  trustedCa,
  isMesh: true,
}

/** To endpoints; whom to expect is told with each handshake. */
export const meshClientTls: ClientTls = { serverName: '', alpn: meshAlpn, certificate, trustedCa, isMesh: true }
