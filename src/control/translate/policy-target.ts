/** What policies are attached to, and which of several for one thing is in force (GEP-713: the more specific, then the older). */
import type { Metadata } from '#/api/metadata.ts'
import type { TargetedSpec } from '#/api/policy-target.ts'
import type { Sourced } from '#/control/source/resources.ts'
import type { Condition } from '#/model/mesh.ts'
import { formatObjectRef, type ObjectRef } from '#/model/object-ref.ts'
import { compareText } from './fault.ts'

/** `object`: a Service, or a route of any kind. */
export type PolicyTarget =
  | { type: 'mesh' }
  | { type: 'namespace'; namespace: string }
  | { type: 'workloads'; namespace: string; labels: Readonly<Record<string, string>> }
  | { type: 'object'; ref: ObjectRef; sectionName?: string; field: string }

/** The schema has seen to what may be named. */
export function policyTargets(metadata: Metadata, { targetRefs, selector }: TargetedSpec): PolicyTarget[] {
  const namespace = metadata.namespace ?? 'default'
  if (selector) return [{ type: 'workloads', namespace, labels: selector.matchLabels }]
  if (!targetRefs) return [{ type: 'namespace', namespace }]
  return targetRefs.map(({ kind, name, sectionName }, index): PolicyTarget => {
    if (kind === 'Mesh') return { type: 'mesh' }
    if (kind === 'Namespace') return { type: 'namespace', namespace }
    const ref = { kind, namespace, name }
    return { type: 'object', ref, ...(sectionName ? { sectionName } : {}), field: `spec.targetRefs[${index}]` }
  })
}

/** Whether it is attached to workloads like this one by itself; targets that are objects are found by those objects. */
export function targetsWorkload(
  target: PolicyTarget,
  { namespace, labels }: { namespace: string; labels: Readonly<Record<string, string>> },
): boolean {
  switch (target.type) {
    case 'mesh':
      return true
    case 'namespace':
      return target.namespace === namespace
    case 'workloads':
      return (
        target.namespace === namespace && Object.entries(target.labels).every(([name, value]) => labels[name] === value)
      )
    case 'object':
      return false
  }
}

/** From the widest to the narrowest. */
const ranks = { mesh: 0, namespace: 1, workloads: 2, object: 3 } as const

/** A policy at one of its targets. */
export interface AttachedPolicy<Policy> {
  ref: ObjectRef
  target: PolicyTarget
  policy: Policy
  sourced: Sourced<Policy>
}

/** Of all policies of a kind, one entry a target: the most specific target first, then the oldest policy, then by name. */
export function attachPolicies<Policy extends { kind: string; metadata: Metadata; spec: TargetedSpec }>(
  policies: Iterable<Sourced<Policy>>,
): AttachedPolicy<Policy>[] {
  const attached: AttachedPolicy<Policy>[] = []
  for (const sourced of policies) {
    const { kind, metadata, spec } = sourced.value
    const ref = { kind, namespace: metadata.namespace ?? 'default', name: metadata.name }
    for (const target of policyTargets(metadata, spec)) attached.push({ ref, target, policy: sourced.value, sourced })
  }
  return attached.sort(
    (a, b) =>
      ranks[b.target.type] - ranks[a.target.type] ||
      compareText(ageOf(a.policy.metadata), ageOf(b.policy.metadata)) ||
      compareText(formatObjectRef(a.ref), formatObjectRef(b.ref)),
  )
}

/** Files tell no age: their policies come behind those that do. */
function ageOf({ creationTimestamp = '9999' }: Metadata): string {
  return creationTimestamp
}

/** By which two policies are seen to be attached to the same thing. */
export function targetKey(target: PolicyTarget): string {
  switch (target.type) {
    case 'mesh':
      return 'the mesh'
    case 'namespace':
      return `namespace ${target.namespace}`
    case 'workloads': {
      const labels = Object.entries(target.labels).sort(([a], [b]) => compareText(a, b))
      return `workloads ${labels.map(([name, value]) => `${name}=${value}`).join(',')} of namespace ${target.namespace}`
    }
    case 'object':
      return `${formatObjectRef(target.ref)}${target.sectionName ? ` ${target.sectionName}` : ''}`
  }
}

/** The policy is in force wherever it is attached. */
export const acceptedCondition: Condition = {
  type: 'Accepted',
  status: 'True',
  reason: 'Accepted',
  message: 'The policy is in force.',
}

/** At this target another policy is older (GEP-713). */
export function conflictedCondition(target: PolicyTarget, winner: ObjectRef): Condition {
  return {
    type: 'Accepted',
    status: 'False',
    reason: 'Conflicted',
    message: `${formatObjectRef(winner)} is attached to ${targetKey(target)} too, and is the older one.`,
  }
}
