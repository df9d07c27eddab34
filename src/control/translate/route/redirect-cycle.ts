/**
 * Redirects that lead back to themselves. Each redirecting match is followed as a client would, with the plainest request
 * that it takes (its path, method, headers and query), until something answers, the request leaves the mesh's HTTP, or a
 * client would give up.
 */
import { RE2JS, RE2JSSyntaxException } from 're2js'
import type { Mesh } from '#/model/mesh.ts'
import { routeNameFor } from '#/model/mesh.ts'
import type { RuleRef } from '#/model/object-ref.ts'
import type { PathMatch, RedirectAction, Route, RouteMatch, ValueMatch } from '#/model/route.ts'
import { formatDestination, type Service, serviceAliases } from '#/model/service.ts'

/** Chrome and Firefox follow 20 redirects; curl 30 by default, the Fetch standard 20. */
const hopsMax = 20

export interface RedirectCycle {
  /** The configuration in which it begins. */
  configuration: string
  rule: RuleRef
  /** Where the request came by, as `host:port/path`, with `…` at the end when it gets to ever new paths. */
  places: string[]
}

type RoutedMesh = Pick<Mesh, 'services' | 'routes'>

/** A request as far as it is known. A path is undefined when only a pattern tells of it: `pattern`. */
interface Place {
  service: Service
  port: number
  path: string | undefined
  pattern?: string
}

export function findRedirectCycles(mesh: RoutedMesh): RedirectCycle[] {
  const cycles: RedirectCycle[] = []
  const aliases = new Map<string, Map<string, Service>>()
  for (const { name, virtualHosts } of mesh.routes.values()) {
    const redirects = virtualHosts.flatMap(({ routes }) => routes.filter(({ action }) => action.type === 'redirect'))
    const start = redirects.length > 0 ? startOf(name, mesh) : undefined
    if (!start) continue
    const { service, port, namespace } = start
    for (const route of redirects) {
      if (!route.rule) continue
      const first = { service, port, ...firstPath(route.match.path) }
      const places = follow({ mesh, aliases, namespace, from: route }, first)
      if (places) cycles.push({ configuration: name, rule: route.rule, places })
    }
  }
  return cycles
}

interface Journey {
  mesh: RoutedMesh
  aliases: Map<string, Map<string, Service>>
  /** Of the caller. */
  namespace: string
  from: Route
}

/** @returns the places on the way when it has no end. */
function follow(journey: Journey, first: Place): string[] | undefined {
  const places = [formatPlace(first)]
  let place: Place | undefined = first
  for (let hops = 0; hops < hopsMax; hops++) {
    const route = routeAt(journey, place)
    if (route?.action.type !== 'redirect') return undefined
    place = redirected(journey, place, route)
    if (!place) return undefined
    const told = formatPlace(place)
    if (places.includes(told)) return [...places, told]
    places.push(told)
  }
  return [...places.slice(0, 3), '…']
}

function startOf(name: string, mesh: RoutedMesh): { service: Service; port: number; namespace: string } | undefined {
  const [destination = '', consumer] = name.split('@')
  const colon = destination.lastIndexOf(':')
  const service = mesh.services.get(destination.slice(0, colon))
  return service && { service, port: Number(destination.slice(colon + 1)), namespace: consumer ?? service.namespace }
}

function firstPath({ type, value }: PathMatch): Pick<Place, 'path' | 'pattern'> {
  return type === 'regex' ? { path: undefined, pattern: value } : { path: value }
}

function routeAt({ mesh, namespace, from }: Journey, place: Place): Route | undefined {
  const destination = formatDestination({ host: place.service.host, port: place.port })
  const configuration = mesh.routes.get(routeNameFor(mesh as Mesh, destination, namespace))
  const routes = configuration?.virtualHosts.flatMap((host) => host.routes)
  return routes?.find(({ match }) => isPathTaken(match.path, place) && isRestTaken(match, from.match))
}

function isPathTaken({ type, value }: PathMatch, { path, pattern }: Place): boolean {
  if (path === undefined) return type === 'regex' ? value === pattern : type !== 'exact' && value === '/'
  if (type === 'exact') return path === value
  if (type === 'prefix') return path.startsWith(value)
  if (type === 'segment-prefix') return value === '/' || path === value || path.startsWith(`${value}/`)
  return isPatternTaken(value, path)
}

/** A pattern that is no RE2 takes nothing; the schema says so to the user. */
function isPatternTaken(pattern: string, path: string): boolean {
  try {
    return RE2JS.compile(pattern).testExact(path)
  } catch (error) {
    if (error instanceof RE2JSSyntaxException) return false
    throw error
  }
}

/** Clients send the same method, headers and query again; a condition that the first match did not have is taken as unmet. */
function isRestTaken(match: RouteMatch, known: RouteMatch): boolean {
  if (match.method !== undefined && match.method !== (known.method ?? 'GET')) return false
  return (
    match.headers.every((need) => isMet(need, known.headers)) && match.query.every((need) => isMet(need, known.query))
  )
}

function isMet(need: ValueMatch, known: readonly ValueMatch[]): boolean {
  return known.some(({ name, type, value }) => name === need.name && type === need.type && value === need.value)
}

/** Where the client goes next; undefined when that is not HTTP of the mesh. */
function redirected(journey: Journey, place: Place, route: Route): Place | undefined {
  const action = route.action as RedirectAction
  // What is called by https is not routed here: it is encrypted for somebody else.
  if (action.scheme === 'https') return undefined
  const service = action.host ? aliasesOf(journey).get(action.host.toLowerCase()) : place.service
  if (!service) return undefined
  const port = action.port ?? (action.host || action.scheme ? 80 : place.port)
  return { service, port, ...nextPath(action, place, route.match.path) }
}

function nextPath(action: RedirectAction, place: Place, matched: PathMatch): Pick<Place, 'path' | 'pattern'> {
  const { path, pattern } = place
  if (action.path?.type === 'full') return { path: action.path.value.split('?', 1)[0] || '/' }
  if (action.path?.type !== 'prefix' || path === undefined) return { path, pattern }
  const rest = path.slice(matched.value === '/' ? 0 : matched.value.length)
  const next = action.path.value.replace(/\/$/, '') + rest
  return { path: next === '' ? '/' : next }
}

/** Host names that a caller of the namespace may use. */
function aliasesOf({ mesh, aliases, namespace }: Journey): Map<string, Service> {
  const known = aliases.get(namespace)
  if (known) return known
  const names = new Map<string, Service>()
  for (const service of mesh.services.values()) {
    for (const alias of serviceAliases(service, namespace)) names.set(alias, service)
  }
  aliases.set(namespace, names)
  return names
}

function formatPlace({ service, port, path, pattern }: Place): string {
  return `${service.host}:${port}${path ?? ` ~${pattern}`}`
}
