/** What is wrong with a route, in the words of its status (Gateway API, RouteConditionReason) and of its fault. */
import type { Finding } from '../fault.ts'

/** Reasons for `Accepted: False` that concern a rule. */
export type AcceptReason = 'UnsupportedValue' | 'IncompatibleFilters'
/** Reasons for `ResolvedRefs: False`. */
export type ResolveReason = 'BackendNotFound' | 'InvalidKind' | 'RefNotPermitted' | 'UnsupportedProtocol'

/**
 * `rule`: the rule can't be honoured and answers 500. `reference`: a backend that can't be used, the rest of the rule goes
 * on. `note`: nothing breaks, but somebody could be surprised; shown as a fault only.
 */
export type Problem = { finding: Finding } & (
  | { type: 'rule'; rule: number; reason: AcceptReason }
  | { type: 'reference'; reason: ResolveReason }
  | { type: 'note' }
)
