/** The rules of an HTTPRoute as routes of the model. */
import type { HTTPRoute, HTTPRule } from '#/api/gateway.ts'
import { formatObjectRef, type RuleRef } from '#/model/object-ref.ts'
import type { RouteAction, RouteMatch } from '#/model/route.ts'
import type { CompiledRule, CompileRules } from '../compiled-route.ts'
import { matchRank } from '../precedence.ts'
import type { Problem } from '../problem.ts'
import type { RuleScope } from '../rule-scope.ts'
import { backendsOf } from './backend.ts'
import { filtersOf } from './filter.ts'
import { matchesOf } from './match.ts'
import { patienceOf } from './retry.ts'

export const compileHttpRules: CompileRules<HTTPRoute> = ({ spec }, { ref, lookup, report }) => {
  // What Kubernetes fills in for a route without rules: one that takes everything (HTTPRouteSpec, `rules`).
  const rules = spec.rules && spec.rules.length > 0 ? spec.rules : [{}]
  return rules.map((rule, i) => {
    const scope = { route: ref, rule: i, field: `spec.rules[${i}]`, lookup, report }
    const matches = matchesOf(rule.matches).map((match) => ({ match, rank: matchRank(match) }))
    return compileRule(rule, { scope, matches })
  })
}

/** What rules of HTTPRoutes and GRPCRoutes have in common: all of a GRPCRoute's. */
type RequestRule = Omit<HTTPRule, 'matches'>

/** @param options.matches what the rule takes, with the rank among others. */
export function compileRule(
  rule: RequestRule,
  options: { scope: RuleScope; matches: readonly { match: RouteMatch; rank: readonly number[] }[] },
): CompiledRule {
  const { scope, matches } = options
  const ref: RuleRef = { ...scope.route, rule: scope.rule, ...(rule.name ? { ruleName: rule.name } : {}) }
  const broken: Problem[] = []
  const report = (problem: Problem): void => {
    if (problem.type === 'rule') broken.push(problem)
    scope.report(problem)
  }
  const { requestHeaders, responseHeaders, cors, ...filters } = filtersOf(rule.filters, { ...scope, report })
  let action: RouteAction = filters.redirect ?? {
    type: 'forward',
    backends: backendsOf(rule.backendRefs, { ...scope, report }),
    ...patienceOf(rule),
    ...(filters.rewrite ? { rewrite: filters.rewrite } : {}),
    mirrors: filters.mirrors,
  }
  if (broken.length > 0) action = refusal(broken)
  noteIgnored(rule, scope)
  const shared = {
    action,
    ...(requestHeaders ? { requestHeaders } : {}),
    ...(responseHeaders ? { responseHeaders } : {}),
    ...(cors && broken.length === 0 ? { cors } : {}),
    rule: ref,
  }
  const name = `${formatObjectRef(scope.route)} rule ${scope.rule}`
  const routes = matches.map(({ match, rank }, i) => ({
    route: { name: `${name} match ${i}`, match, ...shared },
    rank,
  }))
  return { ref, routes, streams: [] }
}

/**
 * A rule that can't be honoured still takes its requests, and answers them with 500: were it left out, a broader rule might
 * answer in a way that nobody meant (HTTPRouteFilter, `type`: a filter must not be skipped).
 */
function refusal(broken: readonly Problem[]): RouteAction {
  const reason = broken.map(({ finding }) => `${finding.field}: ${finding.message}`).join(' ')
  return { type: 'forward', backends: [{ type: 'invalid', weight: 1, reason }], timeoutMs: 0, mirrors: [] }
}

function noteIgnored(rule: RequestRule, scope: RuleScope): void {
  if (rule.sessionPersistence === undefined) return
  const finding = {
    severity: 'warning',
    code: 'unsupported-field',
    field: `${scope.field}.sessionPersistence`,
    message: 'Session persistence is not in force: requests of one client may reach different endpoints.',
    cure: 'Remove the field, or keep sessions where every replica can read them.',
  } as const
  scope.report({ type: 'note', finding })
}
