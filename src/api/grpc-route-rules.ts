/** What Gateway API asks of a GRPCRoute beyond the form of its fields (the CEL rules of its CRD, 1.6). */
import type { GRPCMatch, GRPCRoute, GRPCRule } from './grpc-route.ts'
import { checkFilters } from './http-filter-rules.ts'
import { checkHeaderMatches, checkHostnames, checkParents, checkRules } from './route-rules.ts'
import { type FieldPath, RuleCheck, type RuleFault } from './rule-check.ts'

/** Names of Protocol Buffers with dots between (GRPCMethodMatch); the CRD lets one begin with a dot, which no request has. */
const servicePattern = /^\.?[a-z_][a-z_0-9]*(\.[a-z_][a-z_0-9]*)*$/i
const methodPattern = /^[A-Za-z_][A-Za-z_0-9]*$/

export function grpcRouteFaults(route: GRPCRoute): RuleFault[] {
  const check = new RuleCheck()
  const { hostnames = [], parentRefs = [], rules = [] } = route.spec
  checkHostnames(check, hostnames)
  checkParents(check, parentRefs, route.metadata.namespace)
  rules.forEach((rule, index) => {
    checkRule(check, rule, ['spec', 'rules', index])
  })
  checkRules(check, rules, 'GRPCRoute')
  return check.faults
}

function checkRule(check: RuleCheck, rule: GRPCRule, path: FieldPath): void {
  const { matches = [], filters = [], backendRefs = [] } = rule
  for (const [index, { method, headers = [] }] of matches.entries()) {
    const at = [...path, 'matches', index]
    if (method) checkMethod(check, method, [...at, 'method'])
    checkHeaderMatches(check, headers, [...at, 'headers'])
  }
  checkFilters(check, filters, [...path, 'filters'])
  for (const [index, backend] of backendRefs.entries())
    checkFilters(check, backend.filters ?? [], [...path, 'backendRefs', index, 'filters'])
}

function checkMethod(check: RuleCheck, match: NonNullable<GRPCMatch['method']>, path: FieldPath): void {
  const { type, service = '', method = '' } = match
  if (service === '' && method === '') {
    const cure = 'write service, method or both; leave out `method` altogether to take every call'
    check.add('missing-field', path, 'the match names neither a service nor a method', cure)
  } else if (type === 'RegularExpression') {
    check.regex([...path, 'service'], service)
    check.regex([...path, 'method'], method)
  } else {
    if (service !== '' && !servicePattern.test(service)) {
      const cure = 'write the full name of the service, like helloworld.Greeter'
      check.add('bad-method', [...path, 'service'], `${JSON.stringify(service)} is no name of a gRPC service`, cure)
    }
    if (method !== '' && !methodPattern.test(method)) {
      const cure = 'write its name alone, like SayHello'
      check.add('bad-method', [...path, 'method'], `${JSON.stringify(method)} is no name of a gRPC method`, cure)
    }
  }
}
