/**
 * What Gateway API asks of an HTTPRoute beyond the form of its fields (the CEL rules of its CRD, 1.6, and the text of the
 * fields). A route that breaks one is refused, as the API server would refuse it.
 */
import { durationMs } from './duration.ts'
import type { HTTPFilter, HTTPMatch, HTTPRoute, HTTPRule } from './gateway.ts'
import { checkFilters } from './http-filter-rules.ts'
import { checkHeaderMatches, checkHostnames, checkParents, checkRules } from './route-rules.ts'
import { type FieldPath, RuleCheck, type RuleFault } from './rule-check.ts'

/** What no path of a match may hold (HTTPPathMatch). */
const badPathParts = ['//', '/./', '/../', '%2f', '%2F', '#']
/** What it may consist of (HTTPPathMatch). */
const pathPattern = /^(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+$/

export function httpRouteFaults(route: HTTPRoute): RuleFault[] {
  const check = new RuleCheck()
  const { hostnames = [], parentRefs = [], rules = [] } = route.spec
  checkHostnames(check, hostnames)
  checkParents(check, parentRefs, route.metadata.namespace)
  rules.forEach((rule, index) => {
    checkRule(check, rule, ['spec', 'rules', index])
  })
  checkRules(check, rules, 'HTTPRoute')
  return check.faults
}

function checkRule(check: RuleCheck, rule: HTTPRule, path: FieldPath): void {
  const { matches = [], filters = [], backendRefs = [], retry } = rule
  for (const [index, match] of matches.entries()) checkMatch(check, match, [...path, 'matches', index])
  checkFilters(check, filters, [...path, 'filters'])
  checkPrefixes(check, rule, { filters, path: [...path, 'filters'] })
  backendRefs.forEach((backend, index) => {
    const at = [...path, 'backendRefs', index, 'filters']
    checkFilters(check, backend.filters ?? [], at)
    checkPrefixes(check, rule, { filters: backend.filters ?? [], path: at })
  })
  if (backendRefs.length > 0 && filters.some(({ type }) => type === 'RequestRedirect'))
    check.add(
      'incompatible-filters',
      [...path, 'backendRefs'],
      'a rule that redirects has backends',
      'remove backendRefs, or the redirect',
    )
  checkTimeouts(check, rule, path)
  check.unique(retry?.codes?.map(String) ?? [], (index) => [...path, 'retry', 'codes', index], 'the status')
}

function checkMatch(check: RuleCheck, match: HTTPMatch, path: FieldPath): void {
  checkPath(check, match.path, [...path, 'path', 'value'])
  const { headers = [], queryParams = [] } = match
  checkHeaderMatches(check, headers, [...path, 'headers'])
  for (const [index, { type, value }] of queryParams.entries())
    if (type === 'RegularExpression') check.regex([...path, 'queryParams', index, 'value'], value)
  check.unique(
    queryParams.map(({ name }) => name),
    (index) => [...path, 'queryParams', index, 'name'],
    'the parameter',
  )
}

function checkPath(check: RuleCheck, match: HTTPMatch['path'], at: FieldPath): void {
  const value = match?.value ?? '/'
  if (match?.type === 'RegularExpression') {
    check.regex(at, value)
    return
  }
  if (!value.startsWith('/')) {
    check.add('bad-path', at, `the path ${JSON.stringify(value)} does not begin with a slash`, `write /${value}`)
    return
  }
  const bad = badPathParts.find((part) => value.includes(part)) ?? /\/\.\.?$/.exec(value)?.[0]
  if (bad) check.add('bad-path', at, `the path holds ${bad}`, 'write it in its shortest form, as requests arrive')
  else if (!pathPattern.test(value))
    check.add(
      'bad-path',
      at,
      `the path ${JSON.stringify(value)} holds characters that no path has`,
      'write other characters as % and two hexadecimal digits; matches on the query have a field of their own',
    )
}

/** Without matches a rule has one, of the prefix /. */
function hasOnePrefix(rule: HTTPRule): boolean {
  if (rule.matches === undefined) return true
  return rule.matches.length === 1 && (rule.matches[0]!.path?.type ?? 'PathPrefix') === 'PathPrefix'
}

function checkPrefixes(
  check: RuleCheck,
  rule: HTTPRule,
  { filters, path }: { filters: readonly HTTPFilter[]; path: FieldPath },
): void {
  filters.forEach((filter, index) => {
    const modifier =
      filter.type === 'URLRewrite'
        ? filter.urlRewrite.path
        : filter.type === 'RequestRedirect'
          ? filter.requestRedirect.path
          : undefined
    if (modifier?.type !== 'ReplacePrefixMatch' || hasOnePrefix(rule)) return
    check.add(
      'prefix-without-match',
      [...path, index],
      'ReplacePrefixMatch needs exactly one match, with a path of type PathPrefix',
      'add that match, or use ReplaceFullPath',
    )
  })
}

function checkTimeouts(check: RuleCheck, { timeouts = {} }: HTTPRule, path: FieldPath): void {
  const { request, backendRequest } = timeouts
  if (!request || !backendRequest) return
  const wholeMs = durationMs(request)
  if (wholeMs > 0 && durationMs(backendRequest) > wholeMs)
    check.add(
      'contradiction',
      [...path, 'timeouts', 'backendRequest'],
      `backendRequest (${backendRequest}) is longer than request (${request})`,
      'one attempt can take no longer than the whole',
    )
}
