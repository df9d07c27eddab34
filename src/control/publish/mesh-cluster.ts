/**
 * Clusters for clients that take no id of each endpoint (Envoy): mutual TLS to those endpoints that take it, by any of the ids that
 * serve there. Our own proxy goes by the endpoint itself.
 */
import type { Cluster } from '#/model/cluster.ts'
import type { Mesh } from '#/model/mesh.ts'
import { meshClientTls, meshServerName } from '#/model/mutual-tls.ts'
import type { XdsNode } from '#/xds/node.ts'
import type { EncodedResource } from '#/xds/serve/snapshot.ts'
import { encodeResource } from './encoded-table.ts'

/** What a client's `node.metadata` says when it has its identity from an agent beside it (`weft identity serve`). */
const identityField = 'WEFT_IDENTITY'

export function hasAgent({ metadata }: XdsNode): boolean {
  return metadata[identityField] === 'spiffe'
}

/** @returns the cluster itself when none of its endpoints takes mutual TLS. */
export function withMeshTls(cluster: Cluster, { assignments }: Pick<Mesh, 'assignments'>): Cluster {
  const endpoints = assignments.get(cluster.name)?.endpoints ?? []
  const ids = new Set(endpoints.flatMap(({ tls }) => tls?.spiffeId ?? []))
  const { service } = cluster
  if (ids.size === 0 || !service) return cluster
  const { port, name: serviceAccount, namespace } = service
  return {
    ...cluster,
    meshTls: {
      ...meshClientTls,
      serverName: meshServerName({ port, serviceAccount, namespace }),
      // Envoy offers what its pool for the connection speaks.
      alpn: [],
      subjectNames: [...ids].sort(),
    },
  }
}

/** Clusters of all clients with an agent, encoded when the first of them asks. */
export class MeshClusters {
  readonly #mesh: Pick<Mesh, 'clusters' | 'assignments'>
  readonly #plain: ReadonlyMap<string, EncodedResource>
  #encoded: Map<string, EncodedResource> | undefined

  constructor(mesh: Pick<Mesh, 'clusters' | 'assignments'>, plain: ReadonlyMap<string, EncodedResource>) {
    this.#mesh = mesh
    this.#plain = plain
  }

  get all(): ReadonlyMap<string, EncodedResource> {
    this.#encoded ??= new Map(
      [...this.#mesh.clusters].map(([name, cluster]) => {
        const secured = withMeshTls(cluster, this.#mesh)
        return [name, secured === cluster ? this.#plain.get(name)! : encodeResource('cluster', secured)]
      }),
    )
    return this.#encoded
  }
}
