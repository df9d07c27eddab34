/** The rules of a TCPRoute, TLSRoute or UDPRoute as stream routes of the model. */
import type { StreamRule } from '#/api/stream-route.ts'
import type { StreamBackend, StreamRoute } from '#/model/listener.ts'
import { formatObjectRef, type RuleRef } from '#/model/object-ref.ts'
import { resolveBackend } from '../backend-reference.ts'
import type { CompiledRule, CompileRules } from '../compiled-route.ts'
import { routeKinds, type StreamRouteObject } from '../route-kind.ts'
import type { RuleScope } from '../rule-scope.ts'

export const compileStreamRules: CompileRules<StreamRouteObject> = ({ spec }, { ref, lookup, report }) => {
  const hostnames = 'hostnames' in spec ? spec.hostnames : []
  return spec.rules.map((rule, i) =>
    compileRule(rule, { hostnames, scope: { route: ref, rule: i, field: `spec.rules[${i}]`, lookup, report } }),
  )
}

function compileRule(rule: StreamRule, options: { hostnames: readonly string[]; scope: RuleScope }): CompiledRule {
  const { hostnames, scope } = options
  const ref: RuleRef = { ...scope.route, rule: scope.rule, ...(rule.name ? { ruleName: rule.name } : {}) }
  const name = `${formatObjectRef(scope.route)} rule ${scope.rule}`
  const backends = backendsOf(rule.backendRefs, scope)
  const streams = partsOf(hostnames).map((serverNames): StreamRoute => ({ name, serverNames, backends, rule: ref }))
  return { ref, routes: [], streams }
}

/** Exact names in one part and each wildcard in its own, since the parts of several routes are put in order one by one. */
function partsOf(hostnames: readonly string[]): string[][] {
  if (hostnames.length === 0) return [[]]
  const distinct = [...new Set(hostnames)]
  const exact = distinct.filter((name) => !name.startsWith('*.'))
  const wildcards = distinct.filter((name) => name.startsWith('*.')).map((name) => [name])
  return exact.length > 0 ? [exact, ...wildcards] : wildcards
}

/** An invalid backend has its share refused (TCPRouteRule, `backendRefs`). */
function backendsOf(refs: StreamRule['backendRefs'], scope: RuleScope): StreamBackend[] {
  const field = `${scope.field}.backendRefs`
  const backends = refs.map((ref, i): StreamBackend => {
    const weight = ref.weight ?? 1
    const cluster = resolveBackend(ref, `${field}[${i}]`, scope)
    return cluster.ok
      ? { type: 'cluster', cluster: cluster.name, weight }
      : { type: 'invalid', reason: cluster.message, weight }
  })
  if (backends.every(({ weight }) => weight === 0)) {
    const { unit, refusal } = routeKinds[scope.route.kind]
    const message = `Every backendRef has weight 0: ${unit} are ${refusal}.`
    const cure = 'Give at least one backendRef a weight above 0.'
    scope.report({ type: 'note', finding: { severity: 'warning', code: 'no-weight', field, message, cure } })
    backends.push({ type: 'invalid', weight: 1, reason: 'every backendRef of the rule has weight 0' })
  }
  return backends
}
