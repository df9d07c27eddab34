/** A route table with the clusters that it names, as a request uses it. Immutable; replaced whole. */
import type { RouteConfiguration } from '#/model/route.ts'
import type { RouteTable } from '#/proxy/route/route-table.ts'
import type { UpstreamCluster } from '#/proxy/upstream/upstream-cluster.ts'

export interface WarmRoutes {
  readonly table: RouteTable
  /** By name; one that the control plane does not have is not among them. */
  readonly clusters: ReadonlyMap<string, UpstreamCluster>
}

/** Every cluster that requests may be sent to by the configuration, mirrors included. */
export function clustersOf(configuration: RouteConfiguration): Set<string> {
  const names = new Set<string>()
  for (const { routes } of configuration.virtualHosts) {
    for (const { action } of routes) {
      if (action.type !== 'forward') continue
      for (const backend of action.backends) if (backend.type === 'cluster') names.add(backend.cluster)
      for (const mirror of action.mirrors) names.add(mirror.cluster)
    }
  }
  return names
}
