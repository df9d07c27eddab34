/** Routes of all kinds together: compiled, attached, put in order, looked over for conflicts, and answered with statuses. */
import type { Fault, Resources, Sourced } from '#/control/source/resources.ts'
import type { ObjectStatus } from '#/model/mesh.ts'
import { formatObjectRef, type ObjectRef } from '#/model/object-ref.ts'
import type { Service } from '#/model/service.ts'
import type { ExternalIndex } from '../external/read-externals.ts'
import { type Finding, faultOf } from '../fault.ts'
import { perObject } from '../identity.ts'
import type { GrantIndex } from '../reference-grant.ts'
import type { ServiceIndex } from '../service.ts'
import { attach, externalParents, parentNamespaces } from './attachment.ts'
import { type CompileRules, compileRoute } from './compiled-route.ts'
import { statusOf } from './condition.ts'
import { type Conflicts, conflictFaults } from './conflict.ts'
import { compileGrpcRules } from './grpc/compile-grpc-route.ts'
import { compileHttpRules } from './http/compile-http-route.ts'
import { findRedirectCycles } from './redirect-cycle.ts'
import { ignoredHostnames, type RouteKind, type RouteObject, routeKindNames, routeRef } from './route-kind.ts'
import { type AttachedRoute, buildRouteTable, type RouteTable } from './route-table.ts'
import { findShadows } from './shadow.ts'
import { compileStreamRules } from './stream/compile-stream-route.ts'

export interface RouteInput {
  services: ServiceIndex
  externals: ExternalIndex
  /** Undefined when references into other namespaces need no grant. */
  grants: GrantIndex | undefined
}

export type ReadRoutes = RouteTable & {
  statuses: ObjectStatus[]
  faults: Fault[]
  /** For the next time: what was made of each object, with which input. */
  input: RouteInput
  read: ReadonlyMap<Sourced<RouteObject>, ReadRoute>
}

/** One object, and what is wrong with it in itself. */
type ReadRoute = AttachedRoute & { faults: readonly Fault[] }

const compilers = {
  GRPCRoute: compileGrpcRules,
  HTTPRoute: compileHttpRules,
  TLSRoute: compileStreamRules,
  TCPRoute: compileStreamRules,
  UDPRoute: compileStreamRules,
} as const satisfies Record<RouteKind, unknown>

/** @param before the last outcome: a route is read anew only when it, a Service or a grant has changed. */
export function readRoutes(resources: Resources, input: RouteInput, before?: ReadRoutes): ReadRoutes {
  const isSameInput =
    before?.input.services === input.services &&
    before.input.externals === input.externals &&
    before.input.grants === input.grants
  const read = new Map<Sourced<RouteObject>, ReadRoute>()
  for (const kind of routeKindNames) {
    for (const sourced of resources.of(kind).values()) {
      const known = isSameInput ? before.read.get(sourced) : undefined
      read.set(sourced, known ?? readRoute(kind, sourced, input))
    }
  }
  const attached = [...read.values()]
  const services = servicesOf(input)
  const table = buildRouteTable(services, attached, before?.groups)
  const conflictsOf = findConflicts(table, services)
  const faults = attached.flatMap((one) => one.faults)
  const statuses: ObjectStatus[] = []
  for (const one of attached) {
    const conflicts = conflictsOf(one.route.ref)
    faults.push(...conflictFaults(one, conflicts))
    if (one.attachments.length > 0) statuses.push(statusOf(one, conflicts))
  }
  return { ...table, statuses, faults, input, read }
}

const shadowsOf = perObject(findShadows)

function servicesOf({ services, externals }: RouteInput): Service[] {
  return [...services.entries.values(), ...externals.values()].map(({ service }) => service)
}

/** What is found in the whole table, by the object that it is to be told of. */
function findConflicts(table: RouteTable, services: readonly Service[]): (ref: ObjectRef) => Conflicts {
  const byHost = new Map(services.map((service) => [service.host, service]))
  const outcomes = [...table.groups.values()].flatMap(({ outcome }) => outcome ?? [])
  const groups = {
    shadows: by([...table.configurations.values()].flatMap(shadowsOf), ({ loser }) => loser),
    cycles: by(findRedirectCycles({ services: byHost, routes: table.configurations }), ({ rule }) => rule),
    rivalries: by(
      outcomes.flatMap(({ rivalries }) => rivalries),
      ({ loser }) => loser,
    ),
    streamShadows: by(
      outcomes.flatMap(({ shadows }) => shadows),
      ({ loser }) => loser,
    ),
  }
  return (ref) => {
    const key = formatObjectRef(ref)
    return {
      shadows: groups.shadows.get(key) ?? [],
      cycles: groups.cycles.get(key) ?? [],
      rivalries: groups.rivalries.get(key) ?? [],
      streamShadows: groups.streamShadows.get(key) ?? [],
    }
  }
}

function by<T>(found: readonly T[], refOf: (item: T) => ObjectRef): Map<string, T[]> {
  return Map.groupBy(found, (item) => formatObjectRef(refOf(item)))
}

function readRoute(kind: RouteKind, sourced: Sourced<RouteObject>, input: RouteInput): ReadRoute {
  const ref = routeRef(kind, sourced.value)
  const refs = sourced.value.spec.parentRefs ?? []
  const { attachments, findings } = attach(ref, refs, input)
  const parents = externalParents(ref, refs)
  const lookup = { ...input, parentNamespaces: parentNamespaces(ref, refs), externalParents: parents }
  const compileRules = compilers[kind] as CompileRules<RouteObject>
  const route = compileRoute(sourced, { ref, lookup, compileRules })
  // A route of a Gateway alone is somebody else's; whoever it belongs to checks what it refers to.
  const own =
    attachments.length === 0 ? [] : [...attachments, ...route.problems].flatMap(({ finding }) => finding ?? [])
  const hostnames = attachments.length > 0 && ignoredHostnames(kind, sourced.value).length > 0 ? [hostnamesFinding] : []
  const faults = [...findings, ...own, ...hostnames].map((finding) => faultOf(ref, sourced, finding))
  return { route, attachments, faults }
}

/** GEP-1294, `hostnames` field: implementations SHOULD NOT infer anything from it. */
const hostnamesFinding: Finding = {
  severity: 'warning',
  code: 'hostnames-ignored',
  field: 'spec.hostnames',
  message: 'Hostnames are ignored on a route that is attached to a Service: it takes every request to the Service.',
  cure: 'Remove them; to tell hosts apart, match the header `host` in a rule.',
}
