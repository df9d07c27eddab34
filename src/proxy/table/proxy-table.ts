/** All that configuration says, in force: listeners to bind, destinations learnt, routes and clusters that they share. */

import { UpstreamCluster } from '#/proxy/upstream/upstream-cluster.ts'
import type { UpstreamContext } from '#/proxy/upstream/upstream-context.ts'
import type { Log } from '#/std/log.ts'
import type { ResourceSource } from '#/xds/fetch/resource-source.ts'
import { ClusterRegistry } from './cluster-registry.ts'
import type { DestinationTableOptions } from './destination-table.ts'
import { DestinationTable } from './destination-table.ts'
import type { ListenerEntry } from './listener-table.ts'
import { ListenerTable } from './listener-table.ts'
import { RouteRegistry } from './route-registry.ts'

export interface ProxyTableOptions {
  source: ResourceSource
  upstream: UpstreamContext
  clusterDiscovery: 'referenced' | 'wildcard'
  limits: DestinationTableOptions['limits']
  log: Log
  onListener: (entry: ListenerEntry) => void
  onListenerGone: (name: string) => void
}

export class ProxyTable {
  readonly clusters: ClusterRegistry
  readonly routes: RouteRegistry
  readonly listeners: ListenerTable
  readonly destinations: DestinationTable

  constructor(options: ProxyTableOptions) {
    const { source, upstream, log, limits } = options
    this.clusters = new ClusterRegistry({
      source,
      discovery: options.clusterDiscovery,
      newCluster: (model) => new UpstreamCluster(model, upstream),
    })
    const clusters = this.clusters
    this.routes = new RouteRegistry({ source, clusters, log })
    const shared = { source, clusters, routes: this.routes, log }
    this.listeners = new ListenerTable({
      ...shared,
      onListener: options.onListener,
      onListenerGone: options.onListenerGone,
    })
    this.destinations = new DestinationTable({ ...shared, limits, clock: upstream.clock, wheel: upstream.coarseWheel })
  }

  close(): void {
    this.destinations.close()
    this.listeners.close()
  }
}
