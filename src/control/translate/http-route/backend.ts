/** Where a rule sends its requests: backendRefs → clusters, each with its share; what can't be used answers 500. */
import type { HTTPBackendRef } from '#/api/gateway.ts'
import type { WeightedBackend } from '#/model/route.ts'
import { resolveBackend } from './backend-reference.ts'
import { backendHeaders } from './filter.ts'
import type { RuleScope } from './rule-scope.ts'

/** The `backendRefs` of a rule. A rule without one, or with nothing but weights of 0, answers 500 (HTTPRouteRule, `backendRefs`). */
export function backendsOf(refs: readonly HTTPBackendRef[] | undefined, scope: RuleScope): WeightedBackend[] {
  const field = `${scope.field}.backendRefs`
  if (!refs || refs.length === 0) {
    scope.report({ type: 'note', finding: { ...noBackendFinding, field: scope.field } })
    return [{ type: 'invalid', weight: 1, reason: 'the rule has no backendRefs' }]
  }
  const backends = refs.map((ref, i): WeightedBackend => {
    const place = `${field}[${i}]`
    const shared = { weight: ref.weight ?? 1, ...backendHeaders(ref.filters, { ...scope, field: place }) }
    const cluster = resolveBackend(ref, place, scope)
    if (cluster.ok) return { ...shared, type: 'cluster', cluster: cluster.name }
    return { ...shared, type: 'invalid', reason: cluster.message }
  })
  if (backends.every(({ weight }) => weight === 0)) {
    scope.report({ type: 'note', finding: { ...noWeightFinding, field } })
    // The shares that were asked for stay, so that a proxy has the endpoints at hand when a weight changes.
    backends.push({ type: 'invalid', weight: 1, reason: 'every backendRef of the rule has weight 0' })
  }
  return backends
}

const noBackendFinding = {
  severity: 'warning',
  code: 'no-backend',
  message: 'The rule has neither backendRefs nor a redirect: requests that match it are answered with 500.',
  cure: 'Add backendRefs; to send requests on to the Service itself, name it there.',
} as const

const noWeightFinding = {
  severity: 'warning',
  code: 'no-weight',
  message: 'Every backendRef has weight 0: requests that match the rule are answered with 500.',
  cure: 'Give at least one backendRef a weight above 0.',
} as const
