/** One HTTPRoute, understood: its rules as routes of the model, and all that is wrong with it. */
import type { HTTPRoute, HTTPRule } from '#/api/gateway.ts'
import type { Sourced } from '#/control/source/resources.ts'
import { formatObjectRef, type ObjectRef, type RuleRef } from '#/model/object-ref.ts'
import type { Route, RouteAction } from '#/model/route.ts'
import { backendsOf } from './backend.ts'
import { filtersOf } from './filter.ts'
import { matchesOf } from './match.ts'
import type { Problem } from './problem.ts'
import { patienceOf } from './retry.ts'
import type { BackendLookup, RuleScope } from './rule-scope.ts'

export interface CompiledRule {
  ref: RuleRef
  /** One for each match, in the user's order. */
  routes: readonly Route[]
}

export interface CompiledRoute {
  ref: ObjectRef
  sourced: Sourced<HTTPRoute>
  /** Unix time of `creationTimestamp`; Infinity where there is none (a file), so that such a route counts as the youngest. */
  createdAtMs: number
  rules: readonly CompiledRule[]
  problems: readonly Problem[]
}

export function routeRef({ metadata }: HTTPRoute): ObjectRef {
  return { kind: 'HTTPRoute', namespace: metadata.namespace ?? 'default', name: metadata.name }
}

export function compileRoute(sourced: Sourced<HTTPRoute>, lookup: BackendLookup): CompiledRoute {
  const { metadata, spec } = sourced.value
  const ref = routeRef(sourced.value)
  const problems: Problem[] = []
  // What Kubernetes fills in for a route without rules: one that takes everything (HTTPRouteSpec, `rules`).
  const rules = spec.rules && spec.rules.length > 0 ? spec.rules : [{}]
  const report = (problem: Problem): void => {
    problems.push(problem)
  }
  const compiled = rules.map((rule, i) =>
    compileRule(rule, { route: ref, rule: i, field: `spec.rules[${i}]`, lookup, report }),
  )
  const createdAtMs = Date.parse(metadata.creationTimestamp ?? '')
  return {
    ref,
    sourced,
    createdAtMs: Number.isNaN(createdAtMs) ? Number.POSITIVE_INFINITY : createdAtMs,
    rules: compiled,
    problems,
  }
}

function compileRule(rule: HTTPRule, scope: RuleScope): CompiledRule {
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
  const routes = matchesOf(rule.matches).map((match, i) => ({ name: `${name} match ${i}`, match, ...shared }))
  return { ref, routes }
}

/**
 * A rule that can't be honoured still takes its requests, and answers them with 500: were it left out, a broader rule might
 * answer in a way that nobody meant (HTTPRouteFilter, `type`: a filter must not be skipped).
 */
function refusal(broken: readonly Problem[]): RouteAction {
  const reason = broken.map(({ finding }) => `${finding.field}: ${finding.message}`).join(' ')
  return { type: 'forward', backends: [{ type: 'invalid', weight: 1, reason }], timeoutMs: 0, mirrors: [] }
}

function noteIgnored(rule: HTTPRule, scope: RuleScope): void {
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
