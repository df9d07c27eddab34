/** HTTPRoutes, all together: compiled, attached, put in order, looked over for conflicts, and answered with statuses. */
import type { HTTPRoute } from '#/api/gateway.ts'
import type { Fault, Resources, Sourced } from '#/control/source/resources.ts'
import type { ObjectStatus } from '#/model/mesh.ts'
import { formatObjectRef, type RuleRef } from '#/model/object-ref.ts'
import { type Finding, faultOf } from '../fault.ts'
import { perObject } from '../identity.ts'
import type { GrantIndex } from '../reference-grant.ts'
import type { ServiceIndex } from '../service.ts'
import { attach, parentNamespaces } from './attachment.ts'
import { type CompiledRoute, compileRoute, routeRef } from './compiled-route.ts'
import { shadowMessage, statusOf } from './condition.ts'
import { findRedirectCycles, type RedirectCycle } from './redirect-cycle.ts'
import { type AttachedRoute, buildRouteTable, type RouteTable } from './route-table.ts'
import { findShadows, type Shadow } from './shadow.ts'

export interface HttpRouteInput {
  services: ServiceIndex
  /** Undefined when references into other namespaces need no grant. */
  grants: GrantIndex | undefined
}

export type HttpRoutes = RouteTable & {
  statuses: ObjectStatus[]
  faults: Fault[]
  /** For the next time: what was made of each object, with which input. */
  input: HttpRouteInput
  read: ReadonlyMap<Sourced<HTTPRoute>, ReadRoute>
}

/** One object, and what is wrong with it in itself. */
type ReadRoute = AttachedRoute & { faults: readonly Fault[] }

/** @param before the last outcome: a route is read anew only when it, a Service or a grant has changed. */
export function readHttpRoutes(resources: Resources, input: HttpRouteInput, before?: HttpRoutes): HttpRoutes {
  const isSameInput = before?.input.services === input.services && before.input.grants === input.grants
  const read = new Map<Sourced<HTTPRoute>, ReadRoute>()
  for (const sourced of resources.of('HTTPRoute').values()) {
    const known = isSameInput ? before.read.get(sourced) : undefined
    read.set(sourced, known ?? readHttpRoute(sourced, input))
  }
  const attached = [...read.values()]
  const services = [...input.services.entries.values()].map(({ service }) => service)
  const table = buildRouteTable(services, attached, before?.groups)
  const byHost = new Map(services.map((service) => [service.host, service]))
  const shadows = groupByObject([...table.configurations.values()].flatMap(shadowsOf), ({ loser }) => loser)
  const cycles = groupByObject(
    findRedirectCycles({ services: byHost, routes: table.configurations }),
    ({ rule }) => rule,
  )
  const faults = attached.flatMap((one) => one.faults)
  const statuses: ObjectStatus[] = []
  for (const one of attached) {
    const key = formatObjectRef(one.route.ref)
    const conflicts = { shadows: shadows.get(key) ?? [], cycles: cycles.get(key) ?? [] }
    faults.push(...conflictFaults(one.route, conflicts))
    if (one.attachments.length > 0) statuses.push(statusOf(one, conflicts))
  }
  return { ...table, statuses, faults, input, read }
}

const shadowsOf = perObject(findShadows)

function readHttpRoute(sourced: Sourced<HTTPRoute>, { services, grants }: HttpRouteInput): ReadRoute {
  const ref = routeRef(sourced.value)
  const refs = sourced.value.spec.parentRefs ?? []
  const { attachments, findings } = attach(ref, refs, services)
  const lookup = { services, grants, parentNamespaces: parentNamespaces(ref, refs) }
  const route = compileRoute(sourced, lookup)
  // A route of a Gateway alone is somebody else's; whoever it belongs to checks what it refers to.
  const own =
    attachments.length === 0 ? [] : [...attachments, ...route.problems].flatMap(({ finding }) => finding ?? [])
  const hostnames = attachments.length > 0 && sourced.value.spec.hostnames?.length ? [hostnamesFinding] : []
  const faults = [...findings, ...own, ...hostnames].map((finding) => faultOf(ref, sourced, finding))
  return { route, attachments, faults }
}

function groupByObject<T>(found: readonly T[], refOf: (item: T) => RuleRef): Map<string, T[]> {
  return Map.groupBy(found, (item) => formatObjectRef(refOf(item)))
}

/** What happens in several configurations is one fault. */
function conflictFaults(route: CompiledRoute, conflicts: { shadows: Shadow[]; cycles: RedirectCycle[] }): Fault[] {
  const findings = new Map<string, Finding>()
  for (const shadow of conflicts.shadows) {
    const finding = shadowFinding(route, shadow)
    findings.set(`${finding.field} ${finding.message}`, finding)
  }
  for (const cycle of conflicts.cycles) {
    const finding = cycleFinding(route, cycle)
    if (!findings.has(finding.field)) findings.set(finding.field, finding)
  }
  return [...findings.values()].map((finding) => faultOf(route.ref, route.sourced, finding))
}

function shadowFinding(route: CompiledRoute, shadow: Shadow): Finding {
  const { loser, match } = shadow
  const written = route.sourced.value.spec.rules?.[loser.rule]?.matches
  return {
    severity: 'warning',
    code: 'shadowed-rule',
    field: `spec.rules[${loser.rule}]${written && written.length > 0 ? `.matches[${match}]` : ''}`,
    message: capitalized(shadowMessage(shadow)),
    cure: 'Remove one of the two, or make this one more special (a longer path, a method, a header).',
  }
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function cycleFinding(route: CompiledRoute, { rule, places }: RedirectCycle): Finding {
  const filters = route.sourced.value.spec.rules?.[rule.rule]?.filters ?? []
  const index = filters.findIndex(({ type }) => type === 'RequestRedirect')
  return {
    code: 'redirect-cycle',
    field: `spec.rules[${rule.rule}].filters[${index}].requestRedirect`,
    message: `The redirect never comes to an end: ${places.join(' → ')}.`,
    cure: 'Redirect to a path or host that this rule does not match, or add a rule for the target.',
  }
}

/** GEP-1294, `hostnames` field: implementations SHOULD NOT infer anything from it. */
const hostnamesFinding: Finding = {
  severity: 'warning',
  code: 'hostnames-ignored',
  field: 'spec.hostnames',
  message: 'Hostnames are ignored on a route that is attached to a Service: it takes every request to the Service.',
  cure: 'Remove them; to tell hosts apart, match the header `host` in a rule.',
}
