/** All routes of the mesh by destination: what the callers of each Service port go by. */
import type { Destination } from '#/model/destination.ts'
import { formatObjectRef } from '#/model/object-ref.ts'
import type { Route, RouteConfiguration } from '#/model/route.ts'
import { formatDestination, type Service, type ServicePort, transportOf } from '#/model/service.ts'
import { perObject } from '../identity.ts'
import type { Attachment } from './attachment.ts'
import type { CompiledRoute } from './compiled-route.ts'
import { byAge, inPrecedence } from './precedence.ts'
import { compareKinds, type RouteKind, type RouteObjectRef } from './route-kind.ts'
import { defaultDestination } from './stream/default-destination.ts'
import { inOrder, type StreamShadow } from './stream/stream-order.ts'

export interface AttachedRoute {
  route: CompiledRoute
  attachments: readonly Attachment[]
}

/** Two kinds of routes at one destination: the less specific is not in force there. */
export interface Rivalry {
  configuration: string
  loser: RouteObjectRef
  winner: RouteObjectRef
}

export interface RouteTable {
  /** By name. */
  configurations: Map<string, RouteConfiguration>
  destinations: Map<string, Destination>
  /** `formatObjectRef` → names of the configurations or destinations that the object stands in. */
  usage: Map<string, string[]>
  /** What each destination with routes of users was made of. */
  groups: ReadonlyMap<string, Group>
}

/** The routes of users before one destination, for everybody or for the callers of one namespace. */
export interface Group {
  service: Service
  port: ServicePort
  /** A route that names one port twice counts once. */
  routes: Set<CompiledRoute>
  outcome?: Outcome
}

interface Outcome {
  /** Of routes of requests. */
  configuration?: RouteConfiguration
  destination: Destination
  /** Keys of the objects that are in force here. */
  users: readonly string[]
  rivalries: readonly Rivalry[]
  shadows: readonly StreamShadow[]
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
  const destinations = new Map<string, Destination>()
  for (const service of services) {
    for (const { configuration, destination } of defaultsOf(service)) {
      if (configuration) configurations.set(configuration.name, configuration)
      destinations.set(destination.name, destination)
    }
  }
  const usage = new Map<string, string[]>()
  const groups = groupByName(attached)
  for (const [name, group] of groups) {
    const outcome = outcomeBefore(group, before?.get(name)) ?? outcomeOf(name, group)
    group.outcome = outcome
    if (outcome.configuration) configurations.set(name, outcome.configuration)
    destinations.set(name, outcome.destination)
    for (const key of outcome.users) {
      const names = usage.get(key)
      if (names) names.push(name)
      else usage.set(key, [name])
    }
  }
  return { configurations, destinations, usage, groups }
}

function outcomeBefore({ routes, service }: Group, before: Group | undefined): Outcome | undefined {
  if (!before || before.service !== service || before.routes.size !== routes.size) return undefined
  for (const route of routes) if (!before.routes.has(route)) return undefined
  return before.outcome
}

/** The most specific kind alone is in force (GEP-1294, Route types). */
function outcomeOf(name: string, group: Group): Outcome {
  const kinds = Map.groupBy(byAge(group.routes), ({ ref }) => ref.kind)
  const [kind] = [...kinds.keys()].sort(compareKinds)
  const winners = kinds.get(kind!)!
  const losers = [...kinds].flatMap(([other, routes]) => (other === kind ? [] : routes))
  const winner = winners[0]!.ref
  const rivalries = losers.map(({ ref: loser }) => ({ configuration: name, loser, winner }))
  const { service, port } = group
  if (kind === 'HTTPRoute' || kind === 'GRPCRoute') {
    const configuration = configurationOf(name, orderedRoutes(winners, port.port))
    const users = winners.map(({ ref }) => formatObjectRef(ref))
    return { configuration, destination: defaultDestination(service, port, name), users, rivalries, shadows: [] }
  }
  const { streams, shadows } = inOrder(
    name,
    winners.flatMap(({ rules }) => rules.flatMap((rule) => rule.streams)),
  )
  const users = [...new Set(streams.map(({ rule }) => formatObjectRef(rule!)))]
  return { destination: { name, protocol: protocolOf[kind!], streams }, users, rivalries, shadows }
}

/** Whatever the port says: who routes connections by a TCPRoute wants them opaque. */
const protocolOf = { TLSRoute: 'tls', TCPRoute: 'tcp', UDPRoute: 'udp' } as const satisfies Partial<
  Record<RouteKind, Destination['protocol']>
>

function orderedRoutes(objects: readonly CompiledRoute[], port: number): Route[] {
  return inPrecedence(objects).map(({ route }) => withListenerPort(route, port))
}

type Defaults = { configuration?: RouteConfiguration; destination: Destination }

const defaultsOf = perObject((service: Service): Defaults[] =>
  service.ports.map((port) => {
    const destination = defaultDestination(service, port)
    if (transportOf(port.protocol) === 'udp') return { destination }
    return { destination, configuration: configurationOf(destination.name, [defaultRoute(destination.name)]) }
  }),
)

function groupByName(attached: readonly AttachedRoute[]): Map<string, Group> {
  const groups = new Map<string, Group>()
  for (const { route, attachments } of attached) {
    for (const { name, service, port } of attachments.flatMap(configurationsOf)) {
      const group = groups.get(name) ?? { service, port, routes: new Set() }
      groups.set(name, group)
      group.routes.add(route)
    }
  }
  return groups
}

/** The configurations and destinations that an attachment puts its route before. */
export function configurationsOf(attachment: Attachment): { name: string; service: Service; port: ServicePort }[] {
  const { service, ports, consumerNamespace } = attachment
  if (!service) return []
  return ports.map((port) => {
    const transport = transportOf(port.protocol)
    const name = formatDestination({ host: service.host, port: port.port, transport, consumerNamespace })
    return { name, service, port }
  })
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
