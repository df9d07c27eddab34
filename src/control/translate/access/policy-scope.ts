/** What a policy speaks of at one workload: all of it, ports behind a Service, or requests that come by a route. */

import type { Resources } from '#/control/source/resources.ts'
import type { Combined, Permission } from '#/model/access.ts'
import type { ObjectRef } from '#/model/object-ref.ts'
import type { AppProtocol } from '#/model/service.ts'
import type { Workload } from '#/model/workload.ts'
import { appProtocolOf } from '../app-protocol.ts'
import type { ReadRoutes } from '../route/read-routes.ts'
import { allOf, always, oneOf } from './condition.ts'
import { routePermission } from './route-permission.ts'

/** Closed either way: `least` holds for what surely is meant, `most` for what may be. */
export interface Scope {
  least: Combined<Permission>
  most: Combined<Permission>
}

export const everything: Scope = { least: always, most: always }

export function unite(scopes: readonly Scope[]): Scope {
  return { least: oneOf(scopes.map(({ least }) => least)), most: oneOf(scopes.map(({ most }) => most)) }
}

type Target = { ref: ObjectRef; sectionName?: string }

/** What a target that is an object comes to, or why it comes to nothing. */
export interface ReachedTarget {
  /** @returns what it means for that workload; undefined for nothing. */
  scopeAt(workload: Workload): Scope | undefined
  problem?: { reason: 'TargetNotFound' | 'Invalid'; message: string }
  /** What can't be told of it. */
  untold: readonly string[]
}

export interface ScopeInput {
  resources: Resources
  routes: Pick<ReadRoutes, 'read'>
}

const nowhere = (reason: 'TargetNotFound' | 'Invalid', message: string): ReachedTarget => ({
  scopeAt: () => undefined,
  problem: { reason, message },
  untold: [],
})

export function reachTarget({ ref, sectionName }: Target, input: ScopeInput): ReachedTarget {
  return ref.kind === 'Service'
    ? reachService({ ref, ...(sectionName ? { sectionName } : {}) }, input)
    : reachRoute({ ref, ...(sectionName ? { sectionName } : {}) }, input)
}

interface ServiceTarget extends Target {
  /** Of the Service; absent for all. */
  port?: number
  /** Those alone that may take requests. */
  isForRequests?: boolean
}

/** By its selector, not by its endpoints: a pod that is not ready yet is guarded all the same. */
function reachService(
  { ref, sectionName, port: wanted, isForRequests }: ServiceTarget,
  { resources }: ScopeInput,
): ReachedTarget {
  const spec = resources.of('Service').get(`${ref.namespace}/${ref.name}`)?.value.spec
  if (!spec) return nowhere('TargetNotFound', `There is no Service ${ref.name} in namespace ${ref.namespace}.`)
  const { selector, ports = [] } = spec
  if (!selector)
    return nowhere('Invalid', `Service ${ref.name} selects no workloads by labels; attach the policy to the workloads.`)
  const named = ports.filter(({ name }) => sectionName === undefined || name === sectionName)
  const meant = named.filter(
    (one) => (wanted === undefined || one.port === wanted) && !(isForRequests && isOpaque(appProtocolOf(one))),
  )
  if (meant.length === 0) return nowhere('TargetNotFound', `Service ${ref.name} has no port ${sectionName ?? ''}.`)
  return {
    untold: [],
    scopeAt(workload) {
      if (workload.namespace !== ref.namespace) return undefined
      if (!Object.entries(selector).every(([name, value]) => workload.labels[name] === value)) return undefined
      const numbers = meant.flatMap(({ port, targetPort = port }) =>
        typeof targetPort === 'number'
          ? [targetPort]
          : workload.ports.filter(({ name }) => name === targetPort).map((one) => one.port),
      )
      const permission = oneOf(numbers.map((port) => ({ type: 'port' as const, port })))
      return { least: permission, most: permission }
    },
  }
}

function isOpaque(protocol: AppProtocol): boolean {
  return protocol === 'tcp' || protocol === 'tls' || protocol === 'udp'
}

/** Requests that come by the route, at the workloads behind its parent Services and behind those that it sends them to. */
function reachRoute({ ref, sectionName }: Target, input: ScopeInput): ReachedTarget {
  const { resources, routes } = input
  const kind = ref.kind === 'GRPCRoute' ? 'GRPCRoute' : 'HTTPRoute'
  const sourced = resources.of(kind).get(`${ref.namespace}/${ref.name}`)
  const compiled = sourced && routes.read.get(sourced)?.route
  if (!sourced || !compiled)
    return nowhere('TargetNotFound', `There is no ${kind} ${ref.name} in namespace ${ref.namespace}.`)
  const rules = compiled.rules.filter(({ ref: { ruleName } }) => sectionName === undefined || ruleName === sectionName)
  if (rules.length === 0)
    return nowhere('TargetNotFound', `${kind} ${ref.name} has no rule called ${sectionName ?? ''}.`)
  const { parentRefs = [], rules: written = [] } = sourced.value.spec
  const backends = written.flatMap(({ backendRefs = [] }) => backendRefs)
  const services = [...parentRefs, ...backends].filter(
    ({ kind: of = 'Service', namespace = ref.namespace }) => of === 'Service' && namespace === ref.namespace,
  )
  const reached = services.map(({ name, port }) =>
    reachService(
      {
        ref: { kind: 'Service', namespace: ref.namespace, name },
        ...(port === undefined ? {} : { port }),
        isForRequests: true,
      },
      input,
    ),
  )
  const all = rules.flatMap((rule) => rule.routes.map(({ route }) => route))
  const least = oneOf(all.map((route) => routePermission(route, 'least').permission))
  const most = oneOf(all.map((route) => routePermission(route, 'most').permission))
  return {
    untold: [...new Set(all.flatMap((route) => routePermission(route, 'most').untold))],
    scopeAt(workload) {
      const scopes = reached.flatMap((service) => service.scopeAt(workload) ?? [])
      if (scopes.length === 0) return undefined
      const ports = unite(scopes)
      return { least: allOf([ports.least, least]), most: allOf([ports.most, most]) }
    },
  }
}
