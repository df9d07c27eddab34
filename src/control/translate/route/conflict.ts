/** What was found in the whole table about the rules of one route, in words for its status and as faults. */
import type { Fault } from '#/control/source/resources.ts'
import { formatObjectRef, formatRuleRef, type RuleRef } from '#/model/object-ref.ts'
import { capitalized, type Finding, faultOf, listNames } from '../fault.ts'
import type { CompiledRoute } from './compiled-route.ts'
import type { RedirectCycle } from './redirect-cycle.ts'
import { routeKinds } from './route-kind.ts'
import { type AttachedRoute, configurationsOf, type Rivalry } from './route-table.ts'
import type { Shadow } from './shadow.ts'
import type { StreamShadow } from './stream/stream-order.ts'

export interface Conflicts {
  shadows: readonly Shadow[]
  cycles: readonly RedirectCycle[]
  rivalries: readonly Rivalry[]
  streamShadows: readonly StreamShadow[]
}

export function shadowMessage({ loser, match, winner, because }: Shadow): string {
  const why = because === 'same' ? 'has the same match' : 'takes every path by a regular expression'
  return `rule ${loser.rule} match ${match} never takes a request: ${winnerName(loser, winner)} ${why} and goes first.`
}

export function streamShadowMessage({ configuration, loser, winner, serverNames }: StreamShadow): string {
  const { unit } = routeKinds[loser.kind as keyof typeof routeKinds]
  const names = serverNames.length > 0 ? ` for ${listNames(serverNames)}` : ''
  const place = `${configuration.split('@', 1)[0]}${names}`
  return `rule ${loser.rule} takes no ${unit} at ${place}: ${winnerName(loser, winner)} takes the same and goes first.`
}

export function cycleMessage({ rule, places }: RedirectCycle): string {
  return `rule ${rule.rule} redirects without end: ${places.join(' → ')}.`
}

/** GEP-1294, Route types. */
export function rivalryMessage(rivalries: readonly Rivalry[]): string {
  const winners = [...new Set(rivalries.map(({ winner }) => formatObjectRef(winner)))]
  const names = rivalries.map(({ configuration }) => configuration)
  const are = winners.length === 1 ? 'is of a more specific kind' : 'are of more specific kinds'
  return `not in force at ${listNames(names)}: ${listNames(winners)} ${are}.`
}

function winnerName(loser: RuleRef, winner: RuleRef): string {
  return formatObjectRef(winner) === formatObjectRef(loser) ? `rule ${winner.rule}` : formatRuleRef(winner)
}

/** What happens in several configurations is one fault. */
export function conflictFaults({ route, attachments }: AttachedRoute, conflicts: Conflicts): Fault[] {
  const findings = new Map<string, Finding>()
  for (const shadow of conflicts.shadows) {
    const finding = shadowFinding(route, shadow)
    findings.set(`${finding.field} ${finding.message}`, finding)
  }
  for (const shadow of conflicts.streamShadows) {
    const finding = streamShadowFinding(shadow)
    findings.set(`${finding.field} ${finding.message}`, finding)
  }
  for (const cycle of conflicts.cycles) {
    const finding = cycleFinding(route, cycle)
    if (!findings.has(finding.field)) findings.set(finding.field, finding)
  }
  for (const attachment of attachments) {
    const names = new Set(configurationsOf(attachment).map(({ name }) => name))
    const lost = conflicts.rivalries.filter(({ configuration }) => names.has(configuration))
    if (lost.length > 0) findings.set(attachment.field, rivalryFinding(attachment.field, lost))
  }
  return [...findings.values()].map((finding) => faultOf(route.ref, route.sourced, finding))
}

function shadowFinding(route: CompiledRoute, shadow: Shadow): Finding {
  const { loser, match } = shadow
  const rule = route.sourced.value.spec.rules?.[loser.rule]
  const written = rule && 'matches' in rule ? rule.matches : undefined
  return {
    severity: 'warning',
    code: 'shadowed-rule',
    field: `spec.rules[${loser.rule}]${written && written.length > 0 ? `.matches[${match}]` : ''}`,
    message: capitalized(shadowMessage(shadow)),
    cure:
      route.ref.kind === 'GRPCRoute'
        ? 'Remove one of the two, or make this one more special (a service, a method, a header).'
        : 'Remove one of the two, or make this one more special (a longer path, a method, a header).',
  }
}

function streamShadowFinding(shadow: StreamShadow): Finding {
  return {
    severity: 'warning',
    code: 'shadowed-rule',
    field: `spec.rules[${shadow.loser.rule}]`,
    message: capitalized(streamShadowMessage(shadow)),
    cure: 'Remove one of the two, or put the backends of both into one, with weights.',
  }
}

function cycleFinding(route: CompiledRoute, { rule, places }: RedirectCycle): Finding {
  const written = route.sourced.value.spec.rules?.[rule.rule]
  const filters = written && 'filters' in written ? (written.filters ?? []) : []
  const index = filters.findIndex(({ type }) => type === 'RequestRedirect')
  return {
    code: 'redirect-cycle',
    field: `spec.rules[${rule.rule}].filters[${index}].requestRedirect`,
    message: `The redirect never comes to an end: ${places.join(' → ')}.`,
    cure: 'Redirect to a path or host that this rule does not match, or add a rule for the target.',
  }
}

function rivalryFinding(field: string, rivalries: readonly Rivalry[]): Finding {
  return {
    severity: 'warning',
    code: 'conflicting-route',
    field,
    message: `The route is ${rivalryMessage(rivalries)}`,
    cure: 'Remove one of the two, or name another `port` in the parentRef.',
  }
}
