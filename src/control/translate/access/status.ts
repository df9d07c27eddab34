/** What the status of an AccessPolicy says. */
import type { Condition, ObjectStatus } from '#/model/mesh.ts'
import type { ObjectRef } from '#/model/object-ref.ts'
import type { Finding } from '../fault.ts'
import { acceptedCondition } from '../policy-target.ts'

/** `ClosedRule`: a part of a rule can't be told by a sidecar, and is in force so that less is allowed and more denied. */
export interface PolicyProblem {
  reason: 'TargetNotFound' | 'Invalid' | 'ClosedRule'
  finding: Finding
}

/** @param targets how many it has; it is in force where one of them is there. */
export function statusOf(ref: ObjectRef, problems: readonly PolicyProblem[], targets: number): ObjectStatus {
  const missing = problems.filter(({ reason }) => reason !== 'ClosedRule')
  const closed = problems.filter(({ reason }) => reason === 'ClosedRule')
  const textOf = (list: readonly PolicyProblem[]): string => list.map(({ finding }) => finding.message).join(' ')
  const [first] = missing
  const accepted: Condition =
    first && missing.length === targets
      ? { type: 'Accepted', status: 'False', reason: first.reason, message: textOf(missing) }
      : acceptedCondition
  const resolved: Condition = first
    ? { type: 'ResolvedRefs', status: 'False', reason: first.reason, message: textOf(missing) }
    : { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: 'All targets are there.' }
  const told: Condition[] =
    closed.length > 0 ? [{ type: 'Closed', status: 'True', reason: 'ClosedRule', message: textOf(closed) }] : []
  return { ref, parents: [{ conditions: [accepted, resolved, ...told] }] }
}
