/** What is in force in the proxy, as plain data: for the admin endpoint and `weft proxy config`. */

import type { Cluster } from '#/model/cluster.ts'
import type { EndpointHealth } from '#/model/endpoint.ts'
import type { Listener } from '#/model/listener.ts'
import type { RouteConfiguration } from '#/model/route.ts'
import type { ListenerStatus } from './listener/listener-set.ts'
import type { ProxyEngine } from './proxy-engine.ts'
import type { ClusterState } from './table/cluster-entry.ts'
import type { DestinationState } from './table/destination.ts'
import type { UpstreamCluster } from './upstream/upstream-cluster.ts'

export interface EndpointDump {
  cluster: string
  address: string
  /** `ejected`: it has failed too often, and gets nothing for a while. */
  health: EndpointHealth | 'ejected'
  weight: number
  isMeshed: boolean
  workload: string
  active: number
  requests: number
  failures: number
  connections: number
  waiting: number
}

export interface ProxyDump {
  listeners: (ListenerStatus & Pick<Listener, 'direction' | 'target' | 'isRedirected' | 'isLazy'>)[]
  /** Learnt on demand. */
  destinations: { name: string; state: DestinationState; routes: string; trouble: string }[]
  /** In force. */
  routes: RouteConfiguration[]
  clusters: (Cluster & { state: ClusterState })[]
  endpoints: EndpointDump[]
}

export function dumpProxy({ table, listeners }: Pick<ProxyEngine, 'table' | 'listeners'>): ProxyDump {
  const clusters = [...table.clusters.entries.values()]
  return {
    listeners: listeners.status.map((status) => {
      const { direction, target, isRedirected, isLazy } = table.listeners.entries.get(status.name)!.listener
      return { ...status, direction, target, isRedirected, isLazy }
    }),
    destinations: [...table.destinations.destinations.values()].map(({ name, state, trouble, current }) => ({
      name,
      state,
      routes: current?.table.configuration.name ?? '',
      trouble,
    })),
    routes: [...table.routes.entries.values()].flatMap(({ warming }) => warming.current?.table.configuration ?? []),
    clusters: clusters.flatMap(({ upstream, state }) => (upstream ? { ...upstream.model, state } : [])),
    endpoints: clusters.flatMap(({ upstream }) => (upstream ? endpointsOf(upstream) : [])),
  }
}

function endpointsOf({ name, slots }: UpstreamCluster): EndpointDump[] {
  return slots.map(({ key, endpoint, isEjected, active, requests, failures, attachment }) => ({
    cluster: name,
    address: key,
    health: isEjected && endpoint.health === 'healthy' ? 'ejected' : endpoint.health,
    weight: endpoint.weight,
    isMeshed: endpoint.isMeshed,
    workload: endpoint.workload?.workload ?? '',
    active,
    requests,
    failures,
    connections: attachment?.open ?? 0,
    waiting: attachment?.waiting ?? 0,
  }))
}
