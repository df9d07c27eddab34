/** What the status of a route says: for each parent a set of conditions (Gateway API RouteParentStatus). */
import type { Condition, ObjectStatus } from '#/model/mesh.ts'
import { listNames } from '../fault.ts'
import type { Attachment } from './attachment.ts'
import type { CompiledRoute } from './compiled-route.ts'
import { type Conflicts, cycleMessage, rivalryMessage, shadowMessage, streamShadowMessage } from './conflict.ts'
import type { Problem } from './problem.ts'
import { ignoredHostnames, routeKinds } from './route-kind.ts'
import { type AttachedRoute, configurationsOf, type Rivalry } from './route-table.ts'

export function statusOf({ route, attachments }: AttachedRoute, conflicts: Conflicts): ObjectStatus {
  const parents = attachments.map((attachment) => {
    const here = conflictsAt(attachment, conflicts)
    const conditions = [
      ...acceptance(route, attachment, here.rivalries),
      resolution(route.problems),
      ...conflict(attachment, here),
    ]
    return { parent: attachment.parent, conditions }
  })
  return { ref: route.ref, parents }
}

/** Those that concern one of its destinations. */
function conflictsAt(attachment: Attachment, conflicts: Conflicts): Conflicts {
  const names = new Set(configurationsOf(attachment).map(({ name }) => name))
  const isHere = ({ configuration }: { configuration: string }): boolean => names.has(configuration)
  return {
    shadows: conflicts.shadows.filter(isHere),
    cycles: conflicts.cycles.filter(isHere),
    rivalries: conflicts.rivalries.filter(isHere),
    streamShadows: conflicts.streamShadows.filter(isHere),
  }
}

type RuleProblem = Extract<Problem, { type: 'rule' }>

/**
 * A route is accepted when at least one of its rules is in force; then `PartiallyInvalid` names the others. Its message
 * must start with `Dropped Rule` (RouteConditionPartiallyInvalid).
 */
function acceptance(route: CompiledRoute, attachment: Attachment, lost: readonly Rivalry[]): Condition[] {
  if (attachment.finding) return [falseBecause('Accepted', 'NoMatchingParent', attachment.finding.message)]
  // GEP-1294, Route types: a kind that is rejected by a more specific one says `Conflicted`.
  if (isLost(attachment, lost)) return [falseBecause('Accepted', 'Conflicted', rivalryMessage(lost))]
  const { unit, refusal } = routeKinds[route.ref.kind]
  const broken = route.problems.filter((problem): problem is RuleProblem => problem.type === 'rule')
  const rules = [...new Set(broken.map(({ rule }) => rule))]
  const told = broken.map(({ finding }) => `${finding.field}: ${finding.message}`).join(' ')
  const first = broken[0]
  if (first && rules.length === route.rules.length) {
    return [falseBecause('Accepted', first.reason, `Requests are ${refusal}. ${told}`)]
  }
  const message = scopeOf(route, attachment, lost)
  const accepted: Condition = { type: 'Accepted', status: 'True', reason: 'Accepted', message }
  if (!first) return [accepted]
  const dropped = `Dropped Rule ${rules.join(', ')}: ${unit} that match are ${refusal}. ${told}`
  return [accepted, { type: 'PartiallyInvalid', status: 'True', reason: first.reason, message: dropped }]
}

/** At each of its destinations something more specific is in force. */
function isLost(attachment: Attachment, lost: readonly Rivalry[]): boolean {
  return lost.length > 0 && lost.length === configurationsOf(attachment).length
}

/** What it applies to, for whom, and what of it does not count. */
function scopeOf({ ref, sourced }: CompiledRoute, attachment: Attachment, lost: readonly Rivalry[]): string {
  const { consumerNamespace } = attachment
  const names = configurationsOf(attachment)
    .map(({ name }) => name)
    .filter((name) => lost.every(({ configuration }) => configuration !== name))
    .map((name) => name.split('@', 1)[0]!)
  const callers = consumerNamespace ? `callers in namespace ${consumerNamespace}` : 'all callers'
  const ignored = ignoredHostnames(ref.kind, sourced.value).length > 0 ? '; hostnames are ignored for a Service' : ''
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
function conflict(attachment: Attachment, here: Conflicts): Condition[] {
  const lost = isLost(attachment, here.rivalries) ? [] : here.rivalries
  const messages = new Set([
    ...(lost.length > 0 ? [rivalryMessage(lost)] : []),
    ...here.shadows.map((shadow) => shadowMessage(shadow)),
    ...here.streamShadows.map((shadow) => streamShadowMessage(shadow)),
    ...here.cycles.map((cycle) => cycleMessage(cycle)),
  ])
  if (messages.size === 0) return []
  const isHidden = here.shadows.length > 0 || here.streamShadows.length > 0
  const reason = lost.length > 0 ? 'MoreSpecificKind' : isHidden ? 'Shadowed' : 'RedirectCycle'
  return [{ type: 'Conflicted', status: 'True', reason, message: [...messages].join(' ') }]
}

function falseBecause(type: string, reason: string, message: string): Condition {
  return { type, status: 'False', reason, message }
}
