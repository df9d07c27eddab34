/** Where a rule sends its requests: backendRefs → clusters, each with its share; what can't be used answers 500. */
import type { HTTPBackendRef } from '#/api/gateway.ts'
import type { WeightedBackend } from '#/model/route.ts'
import type { Finding } from '../../fault.ts'
import { resolveBackend } from '../backend-reference.ts'
import { routeKinds } from '../route-kind.ts'
import type { RuleScope } from '../rule-scope.ts'
import { backendHeaders } from './filter.ts'

/** The `backendRefs` of a rule. A rule without one, or with nothing but weights of 0, answers 500 (HTTPRouteRule, `backendRefs`). */
export function backendsOf(refs: readonly HTTPBackendRef[] | undefined, scope: RuleScope): WeightedBackend[] {
  const field = `${scope.field}.backendRefs`
  if (!refs || refs.length === 0) {
    scope.report({ type: 'note', finding: noBackendFinding(scope) })
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
    scope.report({ type: 'note', finding: noWeightFinding(field, scope) })
    // The shares that were asked for stay, so that a proxy has the endpoints at hand when a weight changes.
    backends.push({ type: 'invalid', weight: 1, reason: 'every backendRef of the rule has weight 0' })
  }
  return backends
}

function noBackendFinding({ route, field }: RuleScope): Finding {
  const instead = route.kind === 'HTTPRoute' ? 'neither backendRefs nor a redirect' : 'no backendRefs'
  return {
    severity: 'warning',
    code: 'no-backend',
    field,
    message: `The rule has ${instead}: requests that match it are ${routeKinds[route.kind].refusal}.`,
    cure: 'Add backendRefs; to send requests on to the Service itself, name it there.',
  }
}

function noWeightFinding(field: string, { route }: RuleScope): Finding {
  return {
    severity: 'warning',
    code: 'no-weight',
    field,
    message: `Every backendRef has weight 0: requests that match the rule are ${routeKinds[route.kind].refusal}.`,
    cure: 'Give at least one backendRef a weight above 0.',
  }
}
