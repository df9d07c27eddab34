/** All routes of the mesh by destination: what the callers of each Service port go by. */
import { formatObjectRef } from '#/model/object-ref.ts'
import type { Route, RouteConfiguration } from '#/model/route.ts'
import { formatDestination, type Service } from '#/model/service.ts'
import { perObject } from '../identity.ts'
import { destinationPorts } from '../service.ts'
import type { Attachment } from './attachment.ts'
import type { CompiledRoute } from './compiled-route.ts'
import { inPrecedence } from './precedence.ts'

export interface AttachedRoute {
  route: CompiledRoute
  attachments: readonly Attachment[]
}

export interface RouteTable {
  /** By name. */
  configurations: Map<string, RouteConfiguration>
  /** `formatObjectRef` → names of the configurations that the object stands in. */
  usage: Map<string, string[]>
  /** What each configuration with routes of users was made of. */
  groups: ReadonlyMap<string, Group>
}

interface Group {
  port: number
  /** A route that names one port twice counts once. */
  routes: Set<CompiledRoute>
  configuration?: RouteConfiguration
}

/**
 * One configuration a destination, and one more for each namespace that has consumer routes for it. Groups are never mixed:
 * callers with consumer routes of their own see nothing of the producer's (GEP-1294, Multiple routes for a Service). A
 * request that no attached route matches finds nothing and is answered with 404.
 */
export function buildRouteTable(
  services: Iterable<Service>,
  attached: readonly AttachedRoute[],
  before?: ReadonlyMap<string, Group>,
): RouteTable {
  const configurations = new Map<string, RouteConfiguration>()
  for (const service of services) {
    for (const configuration of defaultsOf(service)) configurations.set(configuration.name, configuration)
  }
  const usage = new Map<string, string[]>()
  const groups = groupByName(attached)
  for (const [name, group] of groups) {
    group.configuration = madeBefore(group, before?.get(name)) ?? configurationOf(name, orderedRoutes(group))
    configurations.set(name, group.configuration)
    for (const { ref } of group.routes) {
      const key = formatObjectRef(ref)
      const names = usage.get(key)
      if (names) names.push(name)
      else usage.set(key, [name])
    }
  }
  return { configurations, usage, groups }
}

function orderedRoutes({ routes, port }: Group): Route[] {
  return inPrecedence([...routes]).map((route) => withListenerPort(route, port))
}

function madeBefore({ routes }: Group, before: Group | undefined): RouteConfiguration | undefined {
  if (!before || before.routes.size !== routes.size) return undefined
  for (const route of routes) if (!before.routes.has(route)) return undefined
  return before.configuration
}

const defaultsOf = perObject((service: Service): RouteConfiguration[] =>
  destinationPorts(service).map(({ port }) => {
    const name = formatDestination({ host: service.host, port })
    return configurationOf(name, [defaultRoute(name)])
  }),
)

function groupByName(attached: readonly AttachedRoute[]): Map<string, Group> {
  const groups = new Map<string, Group>()
  for (const { route, attachments } of attached) {
    for (const { name, port } of attachments.flatMap(configurationsOf)) {
      const group = groups.get(name) ?? { port, routes: new Set() }
      groups.set(name, group)
      group.routes.add(route)
    }
  }
  return groups
}

/** The configurations that an attachment puts its route into. */
export function configurationsOf({ service, ports, consumerNamespace }: Attachment): { name: string; port: number }[] {
  if (!service) return []
  return ports.map(({ port }) => ({ name: formatDestination({ host: service.host, port, consumerNamespace }), port }))
}

/** The host is any: whoever comes here has called this destination, by whatever name or address. */
function configurationOf(name: string, routes: readonly Route[]): RouteConfiguration {
  return { name, virtualHosts: [{ name, domains: ['*'], routes }] }
}

/** Without a route of the user's, requests go on as if there were no mesh. */
function defaultRoute(cluster: string): Route {
  return {
    name: 'default',
    match: { path: { type: 'segment-prefix', value: '/' }, headers: [], query: [] },
    action: { type: 'forward', backends: [{ type: 'cluster', cluster, weight: 1 }], timeoutMs: 0, mirrors: [] },
  }
}

/**
 * A redirect without a port goes to the well-known one of its scheme, or with no scheme to the port that was called
 * (HTTPRequestRedirectFilter, `port`). Envoy keeps the client's port beside the client's host and writes none beside another, so
 * the port is said where that differs, and only there: Envoy writes what it is told, though it be the well-known one.
 */
function withListenerPort(route: Route, port: number): Route {
  const { action } = route
  if (action.type !== 'redirect') return route
  const { port: asked, ...rest } = action
  const own = action.scheme === 'https' ? 443 : 80
  const meant = asked ?? (action.scheme ? own : port)
  const byDefault = action.host || port === 80 ? own : action.scheme ? undefined : port
  if (meant === byDefault) return asked === undefined ? route : { ...route, action: rest }
  return { ...route, action: { ...action, port: meant } }
}
