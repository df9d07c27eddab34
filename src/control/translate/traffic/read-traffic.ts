/** TrafficPolicies → how clusters are called. Of several policies for one Service each field is that of the most specific one that says it. */
import type { TrafficPolicy, TrafficSpec } from '#/api/traffic-policy.ts'
import type { Fault, Resources } from '#/control/source/resources.ts'
import type { Cluster } from '#/model/cluster.ts'
import type { HashKey } from '#/model/hash-key.ts'
import type { Condition, ObjectStatus } from '#/model/mesh.ts'
import { formatObjectRef, type ObjectRef } from '#/model/object-ref.ts'
import { formatDestination, transportOf } from '#/model/service.ts'
import { compareText, type Finding, faultOf } from '../fault.ts'
import {
  type AttachedPolicy,
  acceptedCondition,
  attachPolicies,
  conflictedCondition,
  type PolicyTarget,
  targetKey,
} from '../policy-target.ts'
import { listPorts, missingServiceCure, servicesIn } from '../route/backend-reference.ts'
import type { ServiceEntry, ServiceIndex } from '../service.ts'
import { hashKeyOf } from './route-hash.ts'
import { tuned } from './tuned-cluster.ts'

type Attached = AttachedPolicy<TrafficPolicy>
type Parent = ObjectStatus['parents'][number]

export class TrafficPolicies {
  readonly #services: ServiceIndex
  /** In force by what they are attached to, as `targetKey` writes it. */
  readonly #inForce = new Map<string, Attached>()
  /** By cluster, where endpoints are chosen by one; known once the policies were applied. */
  readonly hashKeys = new Map<string, readonly HashKey[]>()
  readonly statuses: readonly ObjectStatus[]
  readonly faults: Fault[] = []

  constructor(resources: Resources, services: ServiceIndex) {
    this.#services = services
    const parents = new Map<string, { ref: ObjectRef; parents: Parent[] }>()
    for (const one of attachPolicies(resources.of('TrafficPolicy').values())) {
      const key = formatObjectRef(one.ref)
      const status = parents.get(key) ?? { ref: one.ref, parents: [] }
      status.parents.push(this.#attach(one))
      parents.set(key, status)
    }
    this.statuses = [...parents.values()].sort((a, b) => compareText(formatObjectRef(a.ref), formatObjectRef(b.ref)))
  }

  /** Replaces the clusters of Services that a policy speaks of. */
  applyTo(clusters: Map<string, Cluster>): void {
    if (this.#inForce.size === 0) return
    for (const { ref, service } of this.#services.entries.values()) {
      for (const { port, name, protocol } of service.ports) {
        const said = this.#saidOf(ref, name)
        const key = formatDestination({ host: service.host, port, transport: transportOf(protocol) })
        const cluster = said && clusters.get(key)
        if (!cluster) continue
        clusters.set(key, tuned(cluster, said))
        const hashOn = said.loadBalancing?.hashOn
        if (hashOn) this.hashKeys.set(key, hashOn.map(hashKeyOf))
      }
    }
  }

  #attach(one: Attached): Parent {
    const { ref, target, sourced } = one
    const missing = target.type === 'object' ? missingOf(target, this.#services) : undefined
    if (missing) {
      this.faults.push(faultOf(ref, sourced, missing))
      return told(target, { ...acceptedCondition, status: 'False', reason: 'TargetNotFound', message: missing.message })
    }
    const winner = this.#inForce.get(targetKey(target))
    if (!winner) {
      this.#inForce.set(targetKey(target), one)
      return told(target, acceptedCondition, ...untoldOf(one.policy))
    }
    this.faults.push(faultOf(ref, sourced, conflictFinding(target, winner.ref)))
    return told(target, conflictedCondition(target, winner.ref))
  }

  #saidOf(ref: ObjectRef, portName: string): TrafficSpec | undefined {
    const targets: PolicyTarget[] = [
      { type: 'object', ref, sectionName: portName, field: '' },
      { type: 'object', ref, field: '' },
      { type: 'namespace', namespace: ref.namespace },
      { type: 'mesh' },
    ]
    const found = targets.flatMap((target) => this.#inForce.get(targetKey(target))?.policy.spec ?? [])
    if (found.length === 0) return undefined
    // From the widest to the narrowest: what comes later stands in place of what came before.
    return Object.assign({}, ...found.reverse()) as TrafficSpec
  }
}

function told(target: PolicyTarget, ...conditions: Condition[]): Parent {
  if (target.type !== 'object') return { conditions }
  const { ref, sectionName } = target
  return { parent: { ...ref, ...(sectionName ? { sectionName } : {}) }, conditions }
}

/** What an Envoy among the callers can't be told. */
function untoldOf({ spec }: TrafficPolicy): Condition[] {
  if (spec.loadBalancing?.type !== 'PeakEWMA') return []
  return [
    {
      type: 'ToldToEnvoy',
      status: 'False',
      reason: 'Unsupported',
      message: 'Envoys among the callers choose by LeastRequest: they have no PeakEWMA.',
    },
  ]
}

function missingOf(
  { ref, sectionName, field }: PolicyTarget & { type: 'object' },
  services: ServiceIndex,
): Finding | undefined {
  const code = 'dangling-target'
  const entry: ServiceEntry | undefined = services.entries.get(`${ref.namespace}/${ref.name}`)
  if (!entry)
    return {
      code,
      field: `${field}.name`,
      message: `There is no Service ${ref.name} in namespace ${ref.namespace}.`,
      cure: missingServiceCure(ref.name, servicesIn(services, ref.namespace)),
    }
  if (sectionName === undefined || entry.service.ports.some(({ name }) => name === sectionName)) return undefined
  return {
    code,
    field: `${field}.sectionName`,
    message: `Service ${ref.name} has no port named ${sectionName}.`,
    cure: `Name a port of the Service: ${listPorts(entry.service.ports)}.`,
  }
}

function conflictFinding(target: PolicyTarget, winner: ObjectRef): Finding {
  return {
    code: 'conflicting-policy',
    field: target.type === 'object' ? target.field : 'spec',
    message: `${formatObjectRef(winner)} is attached to ${targetKey(target)} too, and is the older one.`,
    cure: 'Remove one of the two, or attach one to a single port by sectionName.',
  }
}
