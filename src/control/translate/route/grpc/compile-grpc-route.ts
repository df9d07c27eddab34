/** The rules of a GRPCRoute as routes of the model. */
import type { GRPCRoute } from '#/api/grpc-route.ts'
import type { CompileRules } from '../compiled-route.ts'
import { compileRule } from '../http/compile-http-route.ts'
import { matchesOf } from './match.ts'

/** A route without rules takes every call, as an HTTPRoute would. */
export const compileGrpcRules: CompileRules<GRPCRoute> = ({ spec }, { ref, lookup, report }) => {
  const rules = spec.rules && spec.rules.length > 0 ? spec.rules : [{}]
  return rules.map((rule, i) => {
    const scope = { route: ref, rule: i, field: `spec.rules[${i}]`, lookup, report }
    return compileRule(rule, { scope, matches: matchesOf(rule.matches) })
  })
}
