/** A reference to a Service of somebody who wants to send there: which cluster it means, or why it can't be used. */
import type { FaultCodeName } from '#/api/fault-codes.ts'
import type { HTTPBackendRef } from '#/api/gateway.ts'
import { nearest } from '#/control/source/suggestion.ts'
import { formatDestination, type Service, type ServicePort, transportOf } from '#/model/service.ts'
import { missingExternal, notCallable, ofAnyHost } from '../external/external-reference.ts'
import { listNames } from '../fault.ts'
import { isGranted } from '../reference-grant.ts'
import type { ServiceIndex } from '../service.ts'
import type { ResolveReason } from './problem.ts'
import { type RouteKind, type RouteObjectRef, routeKinds, withArticle } from './route-kind.ts'
import type { BackendLookup, RuleScope } from './rule-scope.ts'

type ObjectReference = Pick<HTTPBackendRef, 'group' | 'kind' | 'name' | 'namespace' | 'port'>

type Resolved =
  | { cluster: string }
  | { reason: ResolveReason; code: FaultCodeName; field: string; message: string; cure: string }

/** One reference, of a backend or a mirror. What is wrong with it is reported. */
export function resolveBackend(
  ref: ObjectReference,
  field: string,
  scope: RuleScope,
): { ok: true; name: string } | { ok: false; message: string } {
  const resolved = lookUp(ref, scope)
  if ('cluster' in resolved) return { ok: true, name: resolved.cluster }
  const { reason, code, message, cure } = resolved
  const at = resolved.field === '' ? field : `${field}.${resolved.field}`
  scope.report({ type: 'reference', reason, finding: { code, field: at, message, cure } })
  return { ok: false, message }
}

function lookUp(ref: ObjectReference, { route, lookup }: RuleScope): Resolved {
  const { group = '', kind = 'Service', name, port } = ref
  if (group === 'weft.dev' && kind === 'ExternalService') return lookUpExternal(ref, { route, lookup })
  if ((group !== '' && group !== 'core') || kind !== 'Service') return invalidKind(group, kind)
  const namespace = ref.namespace ?? route.namespace
  if (!isPermitted({ route, namespace, name, lookup })) return notPermitted(route, namespace, name)
  const key = `${namespace}/${name}`
  if (lookup.services.external.has(key)) return externalName(key)
  const entry = lookup.services.entries.get(key)
  if (!entry) return missingService(namespace, name, lookup.services)
  return clusterAt(entry.service, port, route.kind)
}

function clusterAt(service: Service, port: number | undefined, kind: RouteKind): Resolved {
  if (port === undefined) return missingPort(service)
  const found = service.ports.filter((candidate) => candidate.port === port)
  const [first] = found
  if (!first) return unknownPort(service, port)
  const fitting = found.find(({ protocol }) => routeKinds[kind].fitsBackend(protocol))
  if (!fitting) return wrongProtocol(service, first, kind)
  return { cluster: formatDestination({ host: service.host, port, transport: transportOf(fitting.protocol) }) }
}

/** It says itself who may send there, so that no ReferenceGrant is asked for. */
function lookUpExternal(ref: ObjectReference, { route, lookup }: Pick<RuleScope, 'route' | 'lookup'>): Resolved {
  const key = { namespace: ref.namespace ?? route.namespace, name: ref.name }
  const entry = lookup.externals.get(`${key.namespace}/${key.name}`)
  if (!entry) return { reason: 'BackendNotFound', code: 'dangling-backend', ...missingExternal(key) }
  const denied = notCallable(entry, { namespace: route.namespace })
  if (denied) return { reason: 'RefNotPermitted', code: 'backend-not-permitted', ...denied }
  if (entry.isOfAnyHost && !lookup.externalParents.has(`${key.namespace}/${key.name}`))
    return { reason: 'UnsupportedProtocol', code: 'backend-of-any-host', ...ofAnyHost(key) }
  return clusterAt(entry.service, ref.port, route.kind)
}

interface Crossing {
  route: RouteObjectRef
  namespace: string
  name: string
  lookup: BackendLookup
}

function isPermitted({ route, namespace, name, lookup }: Crossing): boolean {
  if (namespace === route.namespace || !lookup.grants || lookup.parentNamespaces.has(namespace)) return true
  const reference = {
    fromKind: route.kind,
    fromNamespace: route.namespace,
    toNamespace: namespace,
    toName: name,
  }
  return isGranted(lookup.grants, reference)
}

function invalidKind(group: string, kind: string): Resolved {
  return {
    reason: 'InvalidKind',
    code: 'backend-kind',
    field: 'kind',
    message: `${group === '' ? kind : `${kind}.${group}`} is no kind of backend.`,
    cure: 'Refer to a Service: leave out group and kind.',
  }
}

function notPermitted(route: RouteObjectRef, namespace: string, name: string): Resolved {
  return {
    reason: 'RefNotPermitted',
    code: 'backend-not-permitted',
    field: 'namespace',
    message: `Namespace ${namespace} lets no ${route.kind} of namespace ${route.namespace} refer to its Service ${name}.`,
    cure: `Add a ReferenceGrant in namespace ${namespace}: from ${route.kind} in ${route.namespace}, to Service ${name}.`,
  }
}

function externalName(key: string): Resolved {
  return {
    reason: 'InvalidKind',
    code: 'backend-kind',
    field: 'name',
    message: `Service ${key} is of type ExternalName, which has no endpoints to send requests to.`,
    cure: 'Refer to a Service with endpoints.',
  }
}

function missingService(namespace: string, name: string, services: ServiceIndex): Resolved {
  return {
    reason: 'BackendNotFound',
    code: 'dangling-backend',
    field: 'name',
    message: `There is no Service ${name} in namespace ${namespace}.`,
    cure: missingServiceCure(name, servicesIn(services, namespace)),
  }
}

function missingPort(service: Service): Resolved {
  return {
    reason: 'BackendNotFound',
    code: 'backend-port-missing',
    field: '',
    message: `The reference to Service ${service.name} names no port.`,
    cure: `Add \`port\`; the Service has ${listPorts(service.ports)}.`,
  }
}

function unknownPort(service: Service, port: number): Resolved {
  return {
    reason: 'BackendNotFound',
    code: 'dangling-backend',
    field: 'port',
    message: `Service ${service.name} in namespace ${service.namespace} has no port ${port}.`,
    cure: `Use a port of the Service: ${listPorts(service.ports)}.`,
  }
}

function wrongProtocol(service: Service, { port, protocol }: ServicePort, kind: RouteKind): Resolved {
  const { speaks, unit, declaration } = routeKinds[kind]
  return {
    reason: 'UnsupportedProtocol',
    code: 'backend-protocol',
    field: 'port',
    message: `Port ${port} of Service ${service.name} speaks ${protocol}, to which ${withArticle(kind)} can't send ${unit}.`,
    cure: `Refer to a port that speaks ${speaks}, or set ${declaration} on the port if it does.`,
  }
}

/** @param known names of the Services that are there. */
export function missingServiceCure(name: string, known: readonly string[]): string {
  const guess = nearest(name, known)
  return `${guess ? `Did you mean ${guess}? ` : ''}Create it or correct the name; Services there: ${listNames(known)}.`
}

export function servicesIn(services: ServiceIndex, namespace: string): string[] {
  const entries = [...services.entries.values()]
  return entries.filter(({ service }) => service.namespace === namespace).map(({ service }) => service.name)
}

/** `80 (http), 9090`. */
export function listPorts(ports: readonly ServicePort[]): string {
  return listNames(ports.map(({ port, name }) => (name === '' ? String(port) : `${port} (${name})`)))
}
