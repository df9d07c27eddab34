/** Routes to Services whose policy hashes say by which key: in Envoy this is the route's word. */
import type { TrafficSpec } from '#/api/traffic-policy.ts'
import type { HashKey } from '#/model/hash-key.ts'
import type { Route, RouteConfiguration } from '#/model/route.ts'

type Said = NonNullable<NonNullable<TrafficSpec['loadBalancing']>['hashOn']>[number]

/** The schema has seen to it that one is said. */
export function hashKeyOf({ header, cookie, query, path }: Said): HashKey {
  if (header !== undefined) return { type: 'header', name: header.toLowerCase() }
  if (cookie !== undefined) return { type: 'cookie', name: cookie }
  if (query !== undefined) return { type: 'query', name: query }
  return { type: path ? 'path' : 'source' }
}

/** @param keys by cluster. Of a route's backends the first that hashes has the word. */
export function withHashKeys(
  routes: ReadonlyMap<string, RouteConfiguration>,
  keys: ReadonlyMap<string, readonly HashKey[]>,
): Map<string, RouteConfiguration> {
  if (keys.size === 0) return new Map(routes)
  return new Map([...routes].map(([name, configuration]) => [name, hashed(configuration, keys)]))
}

function hashed(configuration: RouteConfiguration, keys: ReadonlyMap<string, readonly HashKey[]>): RouteConfiguration {
  const changed = configuration.virtualHosts.map((host) => {
    const routes = host.routes.map((route) => hashedRoute(route, keys))
    return routes.every((route, index) => route === host.routes[index]) ? host : { ...host, routes }
  })
  const isSame = changed.every((host, index) => host === configuration.virtualHosts[index])
  return isSame ? configuration : { ...configuration, virtualHosts: changed }
}

function hashedRoute(route: Route, keys: ReadonlyMap<string, readonly HashKey[]>): Route {
  const { action } = route
  if (action.type !== 'forward') return route
  for (const backend of action.backends) {
    const hashOn = backend.type === 'cluster' ? keys.get(backend.cluster) : undefined
    if (hashOn) return { ...route, action: { ...action, hashOn } }
  }
  return route
}
