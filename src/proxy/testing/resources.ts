/** Short ways to write the model's nouns in tests. */
import type { Cluster } from '#/model/cluster.ts'
import type { Endpoint, LoadAssignment } from '#/model/endpoint.ts'
import type { Listener } from '#/model/listener.ts'
import type { ForwardAction, Route, RouteConfiguration, WeightedBackend } from '#/model/route.ts'

export function edsCluster(name: string, more: Partial<Cluster> = {}): Cluster {
  return {
    name,
    discovery: { type: 'eds', serviceName: name },
    loadBalancing: 'round-robin',
    connectTimeoutMs: 1000,
    protocol: 'http1',
    ...more,
  }
}

export function endpoint(port: number, more: Partial<Endpoint> = {}): Endpoint {
  return { address: '127.0.0.1', port, health: 'healthy', weight: 1, isMeshed: false, ...more }
}

export function assignment(name: string, ...endpoints: Endpoint[]): LoadAssignment {
  return { name, endpoints }
}

export function to(cluster: string, weight = 1): WeightedBackend {
  return { type: 'cluster', cluster, weight }
}

export function forwardTo(cluster: string | WeightedBackend[], more: Partial<ForwardAction> = {}): ForwardAction {
  const backends = typeof cluster === 'string' ? [to(cluster)] : cluster
  return { type: 'forward', backends, timeoutMs: 0, mirrors: [], ...more }
}

export function route(action: Route['action'], more: Partial<Route> = {}): Route {
  return {
    name: 'default',
    match: { path: { type: 'segment-prefix', value: '/' }, headers: [], query: [] },
    action,
    ...more,
  }
}

export function routeTable(name: string, ...routes: Route[]): RouteConfiguration {
  return { name, virtualHosts: [{ name, domains: ['*'], routes }] }
}

export function outboundListener(more: Partial<Listener> = {}): Listener {
  return {
    name: 'outbound',
    address: { host: '127.0.0.1', port: 0 },
    direction: 'outbound',
    target: { type: 'on-demand' },
    isRedirected: false,
    isLazy: false,
    ...more,
  }
}

/** What a destination is looked up as. */
export function apiListener(name: string, routes = name): Listener {
  return {
    name,
    direction: 'outbound',
    target: { type: 'routes', routes: { type: 'rds', name: routes } },
    isRedirected: false,
    isLazy: false,
  }
}

/** To the application on `port`. */
export function inboundListener(port: number): Listener {
  const name = `inbound:${port}`
  return {
    name,
    address: { host: '127.0.0.1', port: 0 },
    direction: 'inbound',
    target: { type: 'routes', routes: { type: 'inline', configuration: routeTable(name, route(forwardTo(name))) } },
    isRedirected: false,
    isLazy: false,
  }
}

export function applicationCluster(port: number): Cluster {
  const discovery = { type: 'static' as const, endpoints: [endpoint(port)] }
  return edsCluster(`inbound:${port}`, { discovery })
}
