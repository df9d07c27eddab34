/**
 * What a policy of ours is attached to (GEP-713; `targetRefs` as Gateway API's LocalPolicyTargetReferenceWithSectionName): objects by
 * name, or workloads by labels. Without either it holds for its own namespace.
 */
import { z } from 'zod'
import type { Metadata } from './metadata.ts'
import type { FieldPath, RuleCheck } from './rule-check.ts'
import { groupName, kindName, labels, objectName } from './text-form.ts'

/** Policies for the whole mesh stand here, where who may write is who runs the mesh. */
export const rootNamespace = 'weft-system'
/** The name of the one Mesh object. */
export const meshName = 'default'

const targetRefSchema = z.strictObject({
  group: groupName,
  kind: kindName,
  name: objectName,
  /** Of a Service's port, or of a route's rule. */
  sectionName: objectName.optional(),
})

/** To be spread into the `spec` of a policy. */
export const policyTargetFields = {
  targetRefs: z.array(targetRefSchema).min(1).max(16).optional(),
  /** Workloads of the policy's namespace that have all of these labels. */
  selector: z.strictObject({ matchLabels: labels }).optional(),
}

export type PolicyTargetRef = z.infer<typeof targetRefSchema>

export interface TargetedSpec {
  targetRefs?: readonly PolicyTargetRef[] | undefined
  selector?: { matchLabels: Readonly<Record<string, string>> } | undefined
}

const groupOf = {
  Mesh: 'weft.dev',
  Namespace: '',
  Service: '',
  HTTPRoute: 'gateway.networking.k8s.io',
  GRPCRoute: 'gateway.networking.k8s.io',
  TCPRoute: 'gateway.networking.k8s.io',
  TLSRoute: 'gateway.networking.k8s.io',
} as const

export type PolicyTargetKind = keyof typeof groupOf

/** @param kinds that this policy can be attached to. */
export function checkPolicyTargets(
  check: RuleCheck,
  { metadata, spec }: { metadata: Metadata; spec: TargetedSpec },
  kinds: readonly PolicyTargetKind[],
): void {
  const { targetRefs = [], selector } = spec
  if (selector && targetRefs.length > 0)
    check.add(
      'contradiction',
      ['spec', 'selector'],
      'a policy is attached by targetRefs or by labels, not by both',
      'remove one of them, or write two policies',
    )
  if (selector && Object.keys(selector.matchLabels).length === 0)
    check.add(
      'missing-field',
      ['spec', 'selector', 'matchLabels'],
      'no label is named, which could mean every workload or none',
      'name a label, or remove the selector to mean the whole namespace',
    )
  targetRefs.forEach((ref, index) => {
    checkTarget(check, { ref, metadata, kinds }, ['spec', 'targetRefs', index])
  })
  check.unique(
    targetRefs.map(({ kind, name, sectionName = '' }) => `${kind} ${name} ${sectionName}`.trimEnd()),
    (index) => ['spec', 'targetRefs', index],
    'the target',
  )
}

interface Target {
  ref: PolicyTargetRef
  metadata: Metadata
  kinds: readonly PolicyTargetKind[]
}

function checkTarget(check: RuleCheck, { ref, metadata, kinds }: Target, path: FieldPath): void {
  const { group, kind, name, sectionName } = ref
  const known = kinds.find((one) => one === kind)
  if (!known) {
    check.add('target-kind', [...path, 'kind'], `this policy can't be attached to a ${kind}`, `use ${kinds.join(', ')}`)
    return
  }
  if (group !== groupOf[known])
    check.add(
      'target-kind',
      [...path, 'group'],
      `${kind} is not of group "${group}"`,
      `write group: "${groupOf[known]}"`,
    )
  const namespace = metadata.namespace ?? 'default'
  if (kind === 'Mesh') checkMesh(check, { name, namespace }, path)
  if (kind === 'Namespace' && name !== namespace)
    check.add(
      'target-not-permitted',
      [...path, 'name'],
      `a policy of namespace ${namespace} says nothing about namespace ${name}`,
      `move it to namespace ${name}, or write name: ${namespace}`,
    )
  if (sectionName !== undefined && (kind === 'Mesh' || kind === 'Namespace'))
    check.add('contradiction', [...path, 'sectionName'], `a ${kind} has no sections`, 'remove it')
}

function checkMesh(check: RuleCheck, { name, namespace }: { name: string; namespace: string }, path: FieldPath): void {
  if (name !== meshName)
    check.add('wrong-value', [...path, 'name'], `there is no mesh called ${name}`, `write name: ${meshName}`)
  if (namespace !== rootNamespace)
    check.add(
      'target-not-permitted',
      [...path, 'kind'],
      `a policy of namespace ${namespace} can't say what holds for the whole mesh`,
      `move it to namespace ${rootNamespace}`,
    )
}
