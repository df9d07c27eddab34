/** Which Services a route is attached to (GEP-1294): parentRefs → destinations and the callers it is for. */
import type { ParentRef } from '#/api/gateway.ts'
import type { ObjectRef } from '#/model/object-ref.ts'
import { type Service, type ServicePort, transportOf } from '#/model/service.ts'
import { missingExternal, notCallable } from '../external/external-reference.ts'
import type { ExternalIndex } from '../external/read-externals.ts'
import { capitalized, type Finding, listNames } from '../fault.ts'
import type { ServiceIndex } from '../service.ts'
import { listPorts, missingServiceCure, servicesIn } from './backend-reference.ts'
import { type RouteKind, type RouteObjectRef, routeKinds, withArticle } from './route-kind.ts'

export type ParentKey = ObjectRef & { port?: number; sectionName?: string }

/** One parentRef to a Service. Without ports it could not be attached, and `finding` says why. */
export interface Attachment {
  parent: ParentKey
  /** `spec.parentRefs[0]`. */
  field: string
  service?: Service
  ports: readonly ServicePort[]
  /** A consumer's route: for callers of this namespace only. Absent for a producer's, which is for everybody. */
  consumerNamespace?: string
  finding?: Finding
}

const gatewayGroup = 'gateway.networking.k8s.io'

/** Groups under which users write the core kind Service; the standard's own guide says `core`, older examples leave it out. */
function isServiceParent({ group = gatewayGroup, kind = 'Gateway' }: ParentRef): boolean {
  return kind === 'Service' && (group === '' || group === 'core' || group === gatewayGroup)
}

function isExternalParent({ group, kind }: ParentRef): boolean {
  return kind === 'ExternalService' && group === 'weft.dev'
}

/** `namespace/name` of the ExternalServices that the route names as parents. */
export function externalParents(route: ObjectRef, refs: readonly ParentRef[]): Set<string> {
  return new Set(refs.filter(isExternalParent).map((ref) => `${ref.namespace ?? route.namespace}/${ref.name}`))
}

export interface ParentIndex {
  services: ServiceIndex
  externals: ExternalIndex
}

/** Namespaces of the Services that the route names as parents, whether they exist or not. */
export function parentNamespaces(route: ObjectRef, refs: readonly ParentRef[]): Set<string> {
  return new Set(refs.filter(isServiceParent).map((ref) => ref.namespace ?? route.namespace))
}

/**
 * The attachments of a route, one a parentRef to a Service. Parents of other kinds are somebody else's (a Gateway) and get
 * no status from us. `findings` are of the parentRefs as a whole.
 */
export function attach(
  route: RouteObjectRef,
  refs: readonly ParentRef[],
  index: ParentIndex,
): { attachments: Attachment[]; findings: Finding[] } {
  const findings: Finding[] = []
  const attachments: Attachment[] = []
  if (refs.length === 0) findings.push(noParentFinding)
  refs.forEach((ref, i) => {
    const field = `spec.parentRefs[${i}]`
    if (isServiceParent(ref)) {
      if (ref.group === undefined || ref.group === gatewayGroup) findings.push(groupFinding(field))
      attachments.push(attachOne({ route, ref, field, ...index }))
    } else if (isExternalParent(ref)) attachments.push(attachExternal({ route, ref, field, ...index }))
    else if ((ref.group ?? gatewayGroup) === '' || ref.group === 'core') findings.push(kindFinding(ref, field))
  })
  return { attachments, findings }
}

interface ParentPlace {
  route: RouteObjectRef
  ref: ParentRef
  field: string
  services: ServiceIndex
  externals: ExternalIndex
}

function parentKey({ route, ref }: Pick<ParentPlace, 'route' | 'ref'>, kind: string): ParentKey {
  return {
    kind,
    namespace: ref.namespace ?? route.namespace,
    name: ref.name,
    ...(ref.port ? { port: ref.port } : {}),
    ...(ref.sectionName ? { sectionName: ref.sectionName } : {}),
  }
}

type Refuse = (finding: Omit<Finding, 'code'>) => Attachment

function refusal(parent: ParentKey, field: string): Refuse {
  return (finding) => ({ parent, field, ports: [], finding: { code: 'dangling-parent', ...finding } })
}

function attachOne(place: ParentPlace): Attachment {
  const { field, services, ref } = place
  const parent = parentKey(place, 'Service')
  const { namespace } = parent
  const refused = refusal(parent, field)
  const key = `${namespace}/${ref.name}`
  if (services.external.has(key)) return refused(externalNameFinding(key, field))
  const service = services.entries.get(key)?.service
  if (!service) return refused(missingFinding(ref.name, namespace, { field, services }))
  if (service.isHeadless) return refused(headlessFinding(key, field))
  return attachTo(service, { ...place, parent, refused })
}

/** Who may call it may say how, for itself. */
function attachExternal(place: ParentPlace): Attachment {
  const { route, field, externals } = place
  const parent = parentKey(place, 'ExternalService')
  const refused = refusal(parent, field)
  const entry = externals.get(`${parent.namespace}/${parent.name}`)
  if (!entry) return refused(missingExternal(parent, field))
  const denied = notCallable(entry, { namespace: route.namespace, field })
  return denied ? refused(denied) : attachTo(entry.service, { ...place, parent, refused })
}

function attachTo(service: Service, place: ParentPlace & { parent: ParentKey; refused: Refuse }): Attachment {
  const { route, ref, field, parent, refused } = place
  const { namespace } = parent
  const named = portsOf(service, ref, route.kind)
  const ports = named.filter(({ protocol }) => routeKinds[route.kind].fitsParent(protocol))
  if (ports.length === 0)
    return refused(
      named.length === 0 ? noPortFinding({ ref, field, service, route }) : misfitFinding(named, field, route.kind),
    )
  const consumer = namespace === route.namespace ? {} : { consumerNamespace: route.namespace }
  return { parent, field, service, ports, ...consumer }
}

/** Those that the parentRef names; where it names none, all of the route's transport. */
function portsOf({ ports }: Service, ref: ParentRef, kind: RouteKind): readonly ServicePort[] {
  if (ref.port === undefined && ref.sectionName === undefined)
    return ports.filter(({ protocol }) => transportOf(protocol) === routeKinds[kind].transport)
  return ports.filter(({ port, name }) => port === (ref.port ?? port) && name === (ref.sectionName ?? name))
}

const noParentFinding: Finding = {
  severity: 'warning',
  code: 'no-parent',
  field: 'spec',
  message: 'The route has no parentRefs, so it applies to nothing.',
  cure: 'Name the Service whose requests it is for: `parentRefs: [{group: "", kind: Service, name: …}]`.',
}

function groupFinding(field: string): Finding {
  return {
    severity: 'warning',
    code: 'parent-group',
    field,
    message: 'A Service is of the core group, but the parentRef has another one (the default is that of Gateways).',
    cure: 'Add `group: ""`; Weft takes the route as it is meant, other implementations may ignore it.',
  }
}

function kindFinding({ kind = 'Gateway' }: ParentRef, field: string): Finding {
  return {
    severity: 'warning',
    code: 'parent-kind',
    field: `${field}.kind`,
    message: `A route can't be attached to the kind ${kind} of the core group; the parentRef is ignored.`,
    cure: 'Use `kind: Service`, or leave out group and kind for a Gateway.',
  }
}

function missingFinding(
  name: string,
  namespace: string,
  { field, services }: Pick<ParentPlace, 'field' | 'services'>,
): Omit<Finding, 'code'> {
  return {
    field: `${field}.name`,
    message: `There is no Service ${name} in namespace ${namespace}.`,
    cure: missingServiceCure(name, servicesIn(services, namespace)),
  }
}

/** It has no frontend that could be routed (GEP-1294, Allowed service types). */
function headlessFinding(key: string, field: string): Omit<Finding, 'code'> {
  return {
    field: `${field}.name`,
    message: `Service ${key} is headless: its callers choose an endpoint themselves, so there is nothing to route.`,
    cure: 'Attach the route to a Service with a cluster IP; a headless one may be a backend.',
  }
}

function externalNameFinding(key: string, field: string): Omit<Finding, 'code'> {
  return {
    field: `${field}.name`,
    message: `Service ${key} is of type ExternalName, to which no route can be attached.`,
    cure: 'Attach the route to a Service with endpoints.',
  }
}

function noPortFinding(
  place: Pick<ParentPlace, 'ref' | 'field' | 'route'> & { service: Service },
): Omit<Finding, 'code'> {
  const { ref, field, route, service } = place
  const port = ref.port === undefined ? '' : ` ${ref.port}`
  const name = ref.sectionName === undefined ? '' : ` named ${ref.sectionName}`
  const wanted = `${port}${name}`
  const ports = listPorts(service.ports)
  if (wanted === '') {
    const transport = routeKinds[route.kind].transport.toUpperCase()
    const cure = `Attach it to a Service that has one; the ports of this one: ${ports}.`
    return { field, message: `Service ${service.name} has no ${transport} port.`, cure }
  }
  return {
    field: ref.port !== undefined ? `${field}.port` : `${field}.sectionName`,
    message: `Service ${service.name} has no port${wanted}.`,
    cure: `Use a port of the Service: ${ports}.`,
  }
}

function misfitFinding(ports: readonly ServicePort[], field: string, kind: RouteKind): Omit<Finding, 'code'> {
  const { speaks, declaration } = routeKinds[kind]
  const spoken = ports.map(({ port, protocol }) => `${port} speaks ${protocol}`)
  return {
    field,
    message: `${capitalized(withArticle(kind))} can't route what is not ${speaks}: port ${listNames(spoken)}.`,
    cure: `Attach it to a port that speaks ${speaks}, or set ${declaration} on the port if it does.`,
  }
}
