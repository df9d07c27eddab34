/** All ExternalServices: what is outside the mesh and may be called. */
import type { ExternalService } from '#/api/external-service.ts'
import type { Fault, Resources, Sourced } from '#/control/source/resources.ts'
import type { Cluster } from '#/model/cluster.ts'
import type { Condition, ObjectStatus } from '#/model/mesh.ts'
import { formatObjectRef, type ObjectRef } from '#/model/object-ref.ts'
import { compareText, type Finding, faultOf } from '../fault.ts'
import { isEqual } from '../identity.ts'
import type { ClusterDefaults } from '../service.ts'
import { type ExternalEntry, readExternal } from './external-entry.ts'

/** By `namespace/name`. */
export type ExternalIndex = ReadonlyMap<string, ExternalEntry>

export interface ReadExternals {
  index: ExternalIndex
  clusters: readonly Cluster[]
  statuses: ObjectStatus[]
  faults: Fault[]
}

/** @param before the last index, given back when nothing has changed. */
export function readExternals(
  resources: Resources,
  options: { defaults: ClusterDefaults; before?: ExternalIndex | undefined },
): ReadExternals {
  const namespaces = namespaceLabels(resources)
  const entries = new Map<string, ExternalEntry>()
  const statuses: ObjectStatus[] = []
  const faults: Fault[] = []
  // Who has a host of a namespace: `shop api.example.com:443`.
  const taken = new Map<string, ObjectRef>()
  for (const [key, sourced] of byAge(resources.of('ExternalService'))) {
    const entry = readExternal(sourced, { resources, namespaces, defaults: options.defaults })
    const { ref, service } = entry
    const claims = service.ports.flatMap(({ port }) =>
      service.external!.hosts.map((host) => `${ref.namespace} ${host}:${port}`),
    )
    const rival = claims.flatMap((claim) => taken.get(claim) ?? [])[0]
    if (rival) {
      const finding = conflictFinding(rival)
      faults.push(faultOf(ref, sourced, finding))
      statuses.push(statusOf(ref, conditionsOf({ reason: 'Conflicted', message: finding.message }, [])))
      continue
    }
    for (const claim of claims) taken.set(claim, ref)
    entries.set(key, entry)
    for (const finding of entry.findings) faults.push(faultOf(ref, sourced, finding))
    statuses.push(statusOf(ref, conditionsOf(undefined, entry.findings)))
  }
  statuses.sort((a, b) => compareText(formatObjectRef(a.ref), formatObjectRef(b.ref)))
  const sorted = new Map([...entries].sort(([a], [b]) => compareText(a, b)))
  const index = options.before && isEqual(options.before, sorted) ? options.before : sorted
  return { index, clusters: [...index.values()].flatMap(({ clusters }) => clusters), statuses, faults }
}

/** Files tell no age: their objects come behind those that do (GEP-713, conflict resolution). */
function byAge(all: ReadonlyMap<string, Sourced<ExternalService>>): [string, Sourced<ExternalService>][] {
  const ageOf = ({ value }: Sourced<ExternalService>): string => value.metadata.creationTimestamp ?? '9999'
  return [...all].sort(([a, one], [b, other]) => compareText(ageOf(one), ageOf(other)) || compareText(a, b))
}

/** Of those that are declared, and of those where something runs. */
function namespaceLabels(resources: Resources): Map<string, Readonly<Record<string, string>>> {
  const labels = new Map<string, Readonly<Record<string, string>>>()
  for (const { value } of resources.of('Pod').values()) labels.set(value.metadata.namespace ?? 'default', {})
  for (const [name, { value }] of resources.of('Namespace')) labels.set(name, value.metadata.labels ?? {})
  return new Map([...labels].sort(([a], [b]) => compareText(a, b)))
}

function statusOf(ref: ObjectRef, conditions: readonly Condition[]): ObjectStatus {
  return { ref, parents: [{ conditions }] }
}

function conditionsOf(
  refusal: { reason: string; message: string } | undefined,
  found: readonly Finding[],
): Condition[] {
  const accepted: Condition = refusal
    ? { type: 'Accepted', status: 'False', ...refusal }
    : { type: 'Accepted', status: 'True', reason: 'Accepted', message: 'It can be called.' }
  const resolved: Condition =
    found.length > 0
      ? {
          type: 'ResolvedRefs',
          status: 'False',
          reason: found.some(({ code }) => code === 'ca-kind') ? 'InvalidKind' : 'InvalidCACertificateRef',
          message: found.map(({ message }) => message).join(' '),
        }
      : { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: 'All references are resolved.' }
  return [accepted, resolved]
}

function conflictFinding(rival: ObjectRef): Finding {
  return {
    code: 'external-conflict',
    field: 'spec.hosts',
    message: `${formatObjectRef(rival)} has one of the hosts on the same port, and is the older one.`,
    cure: 'Remove the host from one of the two.',
  }
}
