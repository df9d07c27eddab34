/** Routes for tests and benches: what matters is written there, the rest forwards to a cluster. */
import type { PathMatch, Route, RouteConfiguration, RouteMatch, ValueMatch, VirtualHost } from '#/model/route.ts'

export function buildRoute(name: string, match: Partial<RouteMatch> = {}, given: Partial<Route> = {}): Route {
  return {
    name,
    match: { path: { type: 'segment-prefix', value: '/' }, headers: [], query: [], ...match },
    action: {
      type: 'forward',
      backends: [{ type: 'cluster', cluster: name, weight: 1 }],
      timeoutMs: 0,
      mirrors: [],
    },
    ...given,
  }
}

export function buildPath(type: PathMatch['type'], value: string): PathMatch {
  return { type, value }
}

export function buildValue(name: string, type: ValueMatch['type'], value = '', isInverted = false): ValueMatch {
  return { name, type, value, isInverted }
}

export function buildHost(routes: readonly Route[], domains: readonly string[] = ['*']): VirtualHost {
  return { name: domains[0] ?? 'none', domains, routes }
}

export function buildConfiguration(...virtualHosts: VirtualHost[]): RouteConfiguration {
  return { name: 'test', virtualHosts }
}
