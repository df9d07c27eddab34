/** Mutual TLS between sidecars (docs/decisions/0010-zero-trust.md). */

/** `permissive`: plain text is taken as well. */
export type MutualTlsMode = 'disabled' | 'permissive' | 'strict'

/** How a listener takes connections of other sidecars. */
export interface MutualTls {
  mode: MutualTlsMode
  /** Where connections are redirected: ports, as they were dialled, that differ. */
  ports?: Readonly<Record<number, MutualTlsMode>>
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
