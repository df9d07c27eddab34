/** What the status of an HTTPRoute says: for each parent a set of conditions (Gateway API RouteParentStatus). */
import type { Condition, ObjectStatus } from '#/model/mesh.ts'
import { formatObjectRef, formatRuleRef } from '#/model/object-ref.ts'
import { formatDestination } from '#/model/service.ts'
import { listNames } from '../fault.ts'
import type { Attachment } from './attachment.ts'
import type { CompiledRoute } from './compiled-route.ts'
import type { Problem } from './problem.ts'
import type { RedirectCycle } from './redirect-cycle.ts'
import { type AttachedRoute, configurationsOf } from './route-table.ts'
import type { Shadow } from './shadow.ts'

/** What was found in the whole table about the rules of one route. */
export interface Conflicts {
  shadows: readonly Shadow[]
  cycles: readonly RedirectCycle[]
}

export function statusOf({ route, attachments }: AttachedRoute, conflicts: Conflicts): ObjectStatus {
  const parents = attachments.map((attachment) => ({
    parent: attachment.parent,
    conditions: [...acceptance(route, attachment), resolution(route.problems), ...conflict(attachment, conflicts)],
  }))
  return { ref: route.ref, parents }
}

type RuleProblem = Extract<Problem, { type: 'rule' }>

/**
 * A route is accepted when at least one of its rules is in force; then `PartiallyInvalid` names the others. Its message
 * must start with `Dropped Rule` (RouteConditionPartiallyInvalid).
 */
function acceptance(route: CompiledRoute, attachment: Attachment): Condition[] {
  if (attachment.finding) return [falseBecause('Accepted', 'NoMatchingParent', attachment.finding.message)]
  const broken = route.problems.filter((problem): problem is RuleProblem => problem.type === 'rule')
  const rules = [...new Set(broken.map(({ rule }) => rule))]
  const told = broken.map(({ finding }) => `${finding.field}: ${finding.message}`).join(' ')
  const first = broken[0]
  if (first && rules.length === route.rules.length) {
    return [falseBecause('Accepted', first.reason, `Requests are answered with 500. ${told}`)]
  }
  const accepted: Condition = {
    type: 'Accepted',
    status: 'True',
    reason: 'Accepted',
    message: scopeOf(route, attachment),
  }
  if (!first) return [accepted]
  const message = `Dropped Rule ${rules.join(', ')}: requests that match are answered with 500. ${told}`
  return [accepted, { type: 'PartiallyInvalid', status: 'True', reason: first.reason, message }]
}

/** What it applies to, for whom, and what of it does not count. */
function scopeOf({ sourced }: CompiledRoute, { service, ports, consumerNamespace }: Attachment): string {
  const names = ports.map(({ port }) => formatDestination({ host: service!.host, port }))
  const callers = consumerNamespace ? `callers in namespace ${consumerNamespace}` : 'all callers'
  const ignored = sourced.value.spec.hostnames?.length ? '; hostnames are ignored for a Service' : ''
  return `routes ${listNames(names)} for ${callers}${ignored}`
}

function resolution(problems: readonly Problem[]): Condition {
  const dangling = problems.filter((problem) => problem.type === 'reference')
  const first = dangling[0]
  if (!first)
    return { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: 'all references are in force' }
  const message = dangling.map(({ finding }) => `${finding.field}: ${finding.message}`).join(' ')
  return falseBecause('ResolvedRefs', first.reason, message)
}

/** Only said when there is something to say. */
function conflict(attachment: Attachment, { shadows, cycles }: Conflicts): Condition[] {
  const names = new Set(configurationsOf(attachment).map(({ name }) => name))
  const hidden = shadows.filter(({ configuration }) => names.has(configuration))
  const cyclic = cycles.filter(({ configuration }) => names.has(configuration))
  const messages = new Set([
    ...hidden.map((shadow) => shadowMessage(shadow)),
    ...cyclic.map(({ rule, places }) => `rule ${rule.rule} redirects without end: ${places.join(' → ')}.`),
  ])
  if (messages.size === 0) return []
  const reason = hidden.length > 0 ? 'Shadowed' : 'RedirectCycle'
  return [{ type: 'Conflicted', status: 'True', reason, message: [...messages].join(' ') }]
}

export function shadowMessage({ loser, match, winner, because }: Shadow): string {
  const name = formatObjectRef(winner) === formatObjectRef(loser) ? `rule ${winner.rule}` : formatRuleRef(winner)
  const why = because === 'same' ? 'has the same match' : 'takes every path by a regular expression'
  return `rule ${loser.rule} match ${match} never takes a request: ${name} ${why} and goes first.`
}

function falseBecause(type: string, reason: string, message: string): Condition {
  return { type, status: 'False', reason, message }
}
