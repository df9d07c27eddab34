/**
 * What Gateway API asks of an HTTPRoute beyond the form of its fields (the CEL rules of its CRD, v1.6, and the text of the
 * fields). A rule that breaks one is refused as the API server would refuse it.
 */
import { RE2JS } from 're2js'
import type { HTTPFilter, HTTPMatch, HTTPRoute, HTTPRule } from './gateway.ts'
import type { RuleFault } from './service-rules.ts'

type Path = (string | number)[]

const hostname = /^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const token = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/
/** What no path of a match may hold (HTTPPathMatch). */
const badPathParts = ['//', '/./', '/../', '%2f', '%2F', '#']

class Checker {
  readonly faults: RuleFault[] = []

  add(path: Path, code: string, message: string, cure: string): void {
    this.faults.push({ code, path, message, cure })
  }

  regex(path: Path, pattern: string): void {
    try {
      RE2JS.compile(pattern)
    } catch (error) {
      const reason = error instanceof Error ? error.message.split('\n')[0]! : String(error)
      this.add(
        path,
        'bad-regex',
        `the regular expression can't be read: ${reason}`,
        'write RE2 syntax: no look-around and no back-references, so that matching takes linear time',
      )
    }
  }

  headerNames(path: Path, entries: readonly { name: string }[]): void {
    const seen = new Map<string, number>()
    entries.forEach(({ name }, index) => {
      if (!token.test(name))
        this.add(
          [...path, index, 'name'],
          'bad-header-name',
          `${JSON.stringify(name)} is no header name`,
          'use letters, digits and dashes',
        )
      const before = seen.get(name.toLowerCase())
      if (before !== undefined)
        this.add(
          [...path, index, 'name'],
          'duplicate-name',
          `header ${name} stands at position ${before} already`,
          'name each header once; case does not matter',
        )
      seen.set(name.toLowerCase(), index)
    })
  }
}

function checkMatch(check: Checker, match: HTTPMatch, path: Path): void {
  const value = match.path?.value ?? '/'
  const at = [...path, 'path', 'value']
  if (match.path?.type === 'RegularExpression') check.regex(at, value)
  else if (!value.startsWith('/'))
    check.add(at, 'bad-path', `the path ${JSON.stringify(value)} does not begin with a slash`, `write /${value}`)
  else {
    const bad =
      badPathParts.find((part) => value.includes(part)) ??
      (/\/\.\.?$/.test(value) ? value.slice(value.lastIndexOf('/')) : undefined)
    if (bad) check.add(at, 'bad-path', `the path holds ${bad}`, 'write it in its shortest form, as requests arrive')
  }
  check.headerNames([...path, 'headers'], match.headers ?? [])
  for (const field of ['headers', 'queryParams'] as const) {
    match[field]?.forEach((entry, index) => {
      if (entry.type === 'RegularExpression') check.regex([...path, field, index, 'value'], entry.value)
    })
  }
}

/** Filters that may stand more than once in a rule. */
const repeatable = new Set(['RequestMirror', 'ExtensionRef'])

function checkFilters(check: Checker, filters: readonly HTTPFilter[], path: Path): void {
  const seen = new Set<string>()
  filters.forEach((filter, index) => {
    const at = [...path, index]
    if (seen.has(filter.type) && !repeatable.has(filter.type))
      check.add([...at, 'type'], 'duplicate-filter', `there is a filter ${filter.type} already`, 'put both into one')
    seen.add(filter.type)
    if (filter.type === 'RequestHeaderModifier')
      checkModifier(check, filter.requestHeaderModifier, [...at, 'requestHeaderModifier'])
    if (filter.type === 'ResponseHeaderModifier')
      checkModifier(check, filter.responseHeaderModifier, [...at, 'responseHeaderModifier'])
    if (filter.type === 'RequestMirror') checkMirror(check, filter.requestMirror, [...at, 'requestMirror'])
    const host =
      filter.type === 'URLRewrite'
        ? filter.urlRewrite.hostname
        : filter.type === 'RequestRedirect'
          ? filter.requestRedirect.hostname
          : undefined
    const part = filter.type === 'URLRewrite' ? 'urlRewrite' : 'requestRedirect'
    if (host !== undefined && (!hostname.test(host) || host.startsWith('*')))
      check.add(
        [...at, part, 'hostname'],
        'bad-hostname',
        `${JSON.stringify(host)} is no host name`,
        'write a DNS name in lower case, without port or wildcard',
      )
  })
  if (seen.has('RequestRedirect') && seen.has('URLRewrite'))
    check.add(
      path,
      'incompatible-filters',
      'RequestRedirect and URLRewrite stand in one rule',
      'a request is either redirected or rewritten: keep one',
    )
}

type Modifier = Extract<HTTPFilter, { type: 'RequestHeaderModifier' }>['requestHeaderModifier']

function checkModifier(check: Checker, modifier: Modifier, path: Path): void {
  check.headerNames([...path, 'set'], modifier.set ?? [])
  check.headerNames([...path, 'add'], modifier.add ?? [])
  check.headerNames(
    [...path, 'remove'],
    (modifier.remove ?? []).map((name) => ({ name })),
  )
}

type MirrorFilter = Extract<HTTPFilter, { type: 'RequestMirror' }>['requestMirror']

function checkMirror(check: Checker, mirror: MirrorFilter, path: Path): void {
  const { percent, fraction } = mirror
  if (percent !== undefined && fraction)
    check.add([...path, 'percent'], 'contradiction', 'percent and fraction stand side by side', 'keep one of them')
  if (fraction && fraction.numerator > (fraction.denominator ?? 100))
    check.add(
      [...path, 'fraction', 'numerator'],
      'out-of-range',
      'the numerator is greater than the denominator',
      'a share is at most the whole',
    )
}

/** @returns ms */
function durationMs(text: string): number {
  const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }
  return [...text.matchAll(/(\d+)(ms|h|m|s)/g)].reduce(
    (sum, [, digits, unit]) => sum + Number(digits) * units[unit!]!,
    0,
  )
}

function checkRule(check: Checker, rule: HTTPRule, path: Path): void {
  for (const [index, match] of (rule.matches ?? []).entries()) checkMatch(check, match, [...path, 'matches', index])
  checkFilters(check, rule.filters ?? [], [...path, 'filters'])
  for (const [index, backend] of (rule.backendRefs ?? []).entries()) {
    checkFilters(check, backend.filters ?? [], [...path, 'backendRefs', index, 'filters'])
  }
  const redirectAt = rule.filters?.findIndex(({ type }) => type === 'RequestRedirect') ?? -1
  if (redirectAt >= 0 && (rule.backendRefs?.length ?? 0) > 0)
    check.add(
      [...path, 'backendRefs'],
      'incompatible-filters',
      'a rule that redirects has backends',
      'remove backendRefs, or the redirect',
    )
  rule.filters?.forEach((filter, index) => {
    const modifier =
      filter.type === 'URLRewrite'
        ? filter.urlRewrite.path
        : filter.type === 'RequestRedirect'
          ? filter.requestRedirect.path
          : undefined
    const isPrefixMatch = rule.matches?.length === 1 && (rule.matches[0]!.path?.type ?? 'PathPrefix') === 'PathPrefix'
    if (modifier?.type === 'ReplacePrefixMatch' && !isPrefixMatch) {
      check.add(
        [...path, 'filters', index],
        'prefix-without-match',
        'ReplacePrefixMatch needs exactly one match, with a path of type PathPrefix',
        'add that match, or use ReplaceFullPath',
      )
    }
  })
  const { request, backendRequest } = rule.timeouts ?? {}
  if (request && backendRequest && durationMs(request) > 0 && durationMs(backendRequest) > durationMs(request)) {
    check.add(
      [...path, 'timeouts', 'backendRequest'],
      'contradiction',
      'backendRequest is longer than request',
      'one attempt can take no longer than the whole',
    )
  }
}

export function httpRouteFaults(route: HTTPRoute): RuleFault[] {
  const check = new Checker()
  route.spec.hostnames?.forEach((host, index) => {
    if (!hostname.test(host))
      check.add(
        ['spec', 'hostnames', index],
        'bad-hostname',
        `${JSON.stringify(host)} is no host name`,
        'write a DNS name in lower case, without port',
      )
  })
  const names = new Map<string, number>()
  route.spec.rules?.forEach((rule, index) => {
    checkRule(check, rule, ['spec', 'rules', index])
    if (rule.name === undefined) return
    const before = names.get(rule.name)
    if (before !== undefined)
      check.add(
        ['spec', 'rules', index, 'name'],
        'duplicate-name',
        `rule ${before} has the name ${rule.name} already`,
        'give each rule its own name',
      )
    names.set(rule.name, index)
  })
  return check.faults
}
