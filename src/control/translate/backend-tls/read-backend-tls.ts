/** BackendTLSPolicies → TLS to the ports of Services whose pods end it themselves. */
import type { BackendTlsPolicy } from '#/api/backend-tls-policy.ts'
import type { Fault, Resources, Sourced } from '#/control/source/resources.ts'
import type { Cluster } from '#/model/cluster.ts'
import type { LoadAssignment } from '#/model/endpoint.ts'
import type { Condition, ObjectStatus } from '#/model/mesh.ts'
import { formatObjectRef, type ObjectRef } from '#/model/object-ref.ts'
import { formatDestination, type ServicePort, transportOf } from '#/model/service.ts'
import { compareText, type Finding, faultOf } from '../fault.ts'
import { listPorts, missingServiceCure, servicesIn } from '../route/backend-reference.ts'
import type { ServiceEntry, ServiceIndex } from '../service.ts'
import { type Authorities, readAuthorities, tlsTo } from './authority.ts'

export interface ReadBackendTls {
  /** By cluster, what is in force there; without `trustedCa` no connection may be made. */
  ports: ReadonlyMap<string, BackendPort>
  statuses: ObjectStatus[]
  faults: Fault[]
}

interface BackendPort {
  policy: BackendTlsPolicy
  protocol: ServicePort['protocol']
  trustedCa: Authorities['trustedCa']
}

interface Target {
  name: string
  sectionName: string | undefined
  field: string
}

/** The older policy first: it wins where two are attached to the same (GEP-713). */
export function readBackendTls(resources: Resources, services: ServiceIndex): ReadBackendTls {
  const statuses: ObjectStatus[] = []
  const faults: Fault[] = []
  // `Service/shop/db` or `Service/shop/db section` → who is attached there.
  const winners = new Map<string, ObjectRef>()
  const byService = new Map<string, BackendPort>()
  const bySection = new Map<string, BackendPort>()
  for (const sourced of inOrder(resources.of('BackendTLSPolicy').values())) {
    const { metadata, spec } = sourced.value
    const ref = { kind: 'BackendTLSPolicy', namespace: metadata.namespace ?? 'default', name: metadata.name }
    const authorities = readAuthorities(spec.validation, {
      resources,
      namespace: ref.namespace,
      field: 'spec.validation',
    })
    const tell = (finding: Finding): void => void faults.push(faultOf(ref, sourced, finding))
    for (const { finding } of authorities.problems) tell(finding)
    const parents = spec.targetRefs.map(({ name, sectionName }, index) => {
      const target = { name, sectionName, field: `spec.targetRefs[${index}]` }
      const parent = { kind: 'Service', namespace: ref.namespace, name, ...(sectionName ? { sectionName } : {}) }
      const key = `${formatObjectRef(parent)} ${sectionName ?? ''}`.trimEnd()
      const entry = services.entries.get(`${ref.namespace}/${name}`)
      const ports = entry ? portsOf(entry, target) : []
      const winner = winners.get(key)
      const problem =
        ports.length === 0
          ? { reason: 'TargetNotFound', finding: missingFinding(target, ref.namespace, { services, entry }) }
          : winner
            ? { reason: 'Conflicted', finding: conflictFinding(target, winner) }
            : undefined
      if (problem) tell(problem.finding)
      else {
        winners.set(key, ref)
        const found = sectionName ? bySection : byService
        for (const { port, protocol } of ports)
          found.set(formatDestination({ host: entry!.service.host, port }), {
            policy: sourced.value,
            protocol,
            trustedCa: authorities.trustedCa,
          })
      }
      return { parent, conditions: conditionsOf(authorities, problem) }
    })
    statuses.push({ ref, parents })
  }
  statuses.sort((a, b) => compareText(formatObjectRef(a.ref), formatObjectRef(b.ref)))
  // One that names the port goes before one that is for all of them.
  return { ports: new Map([...byService, ...bySection]), statuses, faults }
}

function inOrder(all: Iterable<Sourced<BackendTlsPolicy>>): Sourced<BackendTlsPolicy>[] {
  const keyOf = ({ value: { metadata } }: Sourced<BackendTlsPolicy>): string =>
    `${metadata.creationTimestamp ?? '9999'} ${metadata.namespace ?? 'default'}/${metadata.name}`
  return [...all].sort((a, b) => compareText(keyOf(a), keyOf(b)))
}

/** A section of a Service is a port's name. */
function portsOf({ service }: ServiceEntry, { sectionName }: Target): ServicePort[] {
  return service.ports.filter(({ name, protocol }) => transportOf(protocol) === 'tcp' && name === (sectionName ?? name))
}

function conditionsOf(
  { trustedCa, problems }: Authorities,
  refusal: { reason: string; finding: Finding } | undefined,
): Condition[] {
  const text = problems.map(({ finding }) => finding.message).join(' ')
  const reason = problems.find((problem) => problem.reason === 'InvalidKind')?.reason ?? problems[0]?.reason
  const resolved: Condition = reason
    ? { type: 'ResolvedRefs', status: 'False', reason, message: text }
    : { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: 'All references are resolved.' }
  const accepted: Condition = refusal
    ? { type: 'Accepted', status: 'False', reason: refusal.reason, message: refusal.finding.message }
    : trustedCa
      ? { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'Connections are made by TLS.' }
      : {
          type: 'Accepted',
          status: 'False',
          reason: 'NoValidCACertificate',
          message: `No connection is made, since there is no certificate to trust. ${text}`,
        }
  return [accepted, resolved]
}

/**
 * Endpoints end TLS themselves, sidecar or not: what a sidecar alone understands is not sent there. Where nobody's word is taken there
 * is nowhere to go, for plain text must not be a way out (BackendTLSPolicySpec, `caCertificateRefs`).
 */
export function withBackendTls(
  { ports }: ReadBackendTls,
  { clusters, assignments }: { clusters: Map<string, Cluster>; assignments: Map<string, LoadAssignment> },
): void {
  for (const [name, { policy, protocol, trustedCa }] of ports) {
    const cluster = clusters.get(name)
    const assignment = assignments.get(name)
    if (!cluster || !assignment) continue
    const { validation } = policy.spec
    if (!trustedCa) {
      clusters.set(name, { ...cluster, discovery: { type: 'static', endpoints: [] } })
      continue
    }
    const { hostname } = validation
    clusters.set(name, { ...cluster, tls: tlsTo(validation, { hostname, trustedCa, protocol }) })
    const endpoints = assignment.endpoints.map(({ tls: _, ...endpoint }) => ({ ...endpoint, isMeshed: false }))
    assignments.set(name, { name, endpoints })
  }
}

function missingFinding(
  { name, sectionName, field }: Target,
  namespace: string,
  { services, entry }: { services: ServiceIndex; entry: ServiceEntry | undefined },
): Finding {
  const code = 'dangling-target'
  if (!entry)
    return {
      code,
      field: `${field}.name`,
      message: `There is no Service ${name} in namespace ${namespace}.`,
      cure: missingServiceCure(name, servicesIn(services, namespace)),
    }
  return {
    code,
    field: sectionName ? `${field}.sectionName` : field,
    message: `Service ${name} has no TCP port${sectionName ? ` named ${sectionName}` : ''}.`,
    cure: `Name a port of the Service: ${listPorts(entry.service.ports)}.`,
  }
}

function conflictFinding({ field }: Target, winner: ObjectRef): Finding {
  return {
    code: 'conflicting-policy',
    field,
    message: `${formatObjectRef(winner)} is attached there too, and is the older one.`,
    cure: 'Remove one of the two, or attach one to a single port by sectionName.',
  }
}
