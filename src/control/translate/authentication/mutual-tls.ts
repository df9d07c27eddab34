/** AuthenticationPolicies → the mode of mutual TLS of each port of each workload. */
import type { AuthenticationPolicy } from '#/api/authentication-policy.ts'
import type { Resources } from '#/control/source/resources.ts'
import type { ObjectStatus } from '#/model/mesh.ts'
import type { MutualTlsMode } from '#/model/mutual-tls.ts'
import { formatObjectRef } from '#/model/object-ref.ts'
import type { Workload } from '#/model/workload.ts'
import {
  type AttachedPolicy,
  acceptedCondition,
  attachPolicies,
  conflictedCondition,
  targetKey,
  targetsWorkload,
} from '../policy-target.ts'

const modes = { Disabled: 'disabled', Permissive: 'permissive', Strict: 'strict' } as const

/** Where no policy says otherwise: nobody without a sidecar is locked out. */
export const defaultMutualTlsMode: MutualTlsMode = 'permissive'

type Attached = AttachedPolicy<AuthenticationPolicy>

export class MutualTlsModes {
  /** In force, the most specific first. */
  readonly #attached: readonly Attached[]
  readonly statuses: readonly ObjectStatus[]

  constructor(resources: Resources) {
    const all = attachPolicies(resources.of('AuthenticationPolicy').values())
    const winners = winnersOf(all, 'mutualTls')
    this.#attached = [...winners.values()]
    this.statuses = statusesOf(all, {
      mutualTls: winners,
      jwt: winnersOf(all, 'jwt'),
      externalAuthorization: winnersOf(all, 'externalAuthorization'),
    })
  }

  /** What a more specific policy says of all ports goes before what a wider one says of this port. */
  modeOf(workload: Pick<Workload, 'namespace' | 'labels'>, port: number): MutualTlsMode {
    for (const { target, policy } of this.#attached) {
      if (!targetsWorkload(target, workload)) continue
      const { mode, ports = [] } = policy.spec.mutualTls!
      const said = ports.find((one) => one.port === port)?.mode ?? mode
      if (said) return modes[said]
    }
    return defaultMutualTlsMode
  }
}

/** Each part of a policy stands for itself: at one target one policy may speak of mutual TLS, another of tokens, a third of whom to ask. */
const parts = ['mutualTls', 'jwt', 'externalAuthorization'] as const
type Part = (typeof parts)[number]

/** By target, the first that speaks of it. */
function winnersOf(all: readonly Attached[], part: Part): Map<string, Attached> {
  const winners = new Map<string, Attached>()
  for (const one of all) {
    if (one.policy.spec[part] === undefined) continue
    const key = targetKey(one.target)
    if (!winners.has(key)) winners.set(key, one)
  }
  return winners
}

function statusesOf(all: readonly Attached[], winners: Record<Part, ReadonlyMap<string, Attached>>): ObjectStatus[] {
  const statuses = new Map<string, ObjectStatus>()
  for (const { ref, target, policy } of all) {
    const won = parts.flatMap((part) => (policy.spec[part] ? (winners[part].get(targetKey(target)) ?? []) : []))
    const winner = won.find((one) => one.policy !== policy)
    const hasLost = winner !== undefined
    const condition = winner ? conflictedCondition(target, winner.ref) : acceptedCondition
    const key = formatObjectRef(ref)
    const before = statuses.get(key)
    // Where it has lost is what its owner has to see.
    if (!before || hasLost) statuses.set(key, { ref, parents: [{ conditions: [condition] }] })
  }
  return [...statuses.values()].sort((a, b) => (formatObjectRef(a.ref) < formatObjectRef(b.ref) ? -1 : 1))
}
