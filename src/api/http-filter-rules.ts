/** What Gateway API asks of the filters of a rule or a backend beyond the form of their fields (CEL rules of the CRD, 1.6). */
import type { HTTPFilter } from './gateway.ts'
import type { FieldPath, RuleCheck } from './rule-check.ts'
import { preciseHostnamePattern } from './text-form.ts'

type FilterOf<T extends HTTPFilter['type']> = Extract<HTTPFilter, { type: T }>

/** Filters that may stand more than once in a list. */
const repeatable = new Set<HTTPFilter['type']>(['RequestMirror', 'ExtensionRef'])

export function checkFilters(check: RuleCheck, filters: readonly HTTPFilter[], path: FieldPath): void {
  const seen = new Set<HTTPFilter['type']>()
  filters.forEach((filter, index) => {
    const at = [...path, index]
    if (seen.has(filter.type) && !repeatable.has(filter.type))
      check.add('duplicate-filter', [...at, 'type'], `there is a filter ${filter.type} already`, 'put both into one')
    seen.add(filter.type)
    checkFilter(check, filter, at)
  })
  if (seen.has('RequestRedirect') && seen.has('URLRewrite'))
    check.add(
      'incompatible-filters',
      path,
      'RequestRedirect and URLRewrite stand side by side',
      'a request is either redirected or rewritten: keep one',
    )
}

function checkFilter(check: RuleCheck, filter: HTTPFilter, at: FieldPath): void {
  switch (filter.type) {
    case 'RequestHeaderModifier':
      checkModifier(check, filter.requestHeaderModifier, [...at, 'requestHeaderModifier'])
      break
    case 'ResponseHeaderModifier':
      checkModifier(check, filter.responseHeaderModifier, [...at, 'responseHeaderModifier'])
      break
    case 'RequestMirror':
      checkMirror(check, filter.requestMirror, [...at, 'requestMirror'])
      break
    case 'RequestRedirect':
      checkHostname(check, filter.requestRedirect.hostname, [...at, 'requestRedirect', 'hostname'])
      break
    case 'URLRewrite':
      checkHostname(check, filter.urlRewrite.hostname, [...at, 'urlRewrite', 'hostname'])
      break
    case 'CORS':
      checkCors(check, filter.cors, [...at, 'cors'])
      break
  }
}

function checkHostname(check: RuleCheck, host: string | undefined, path: FieldPath): void {
  if (host !== undefined && !preciseHostnamePattern.test(host))
    check.add(
      'bad-hostname',
      path,
      `${JSON.stringify(host)} is no host name`,
      'write a DNS name in lower case, without port or wildcard',
    )
}

type Modifier = FilterOf<'RequestHeaderModifier'>['requestHeaderModifier']

/** One action for a header, whatever its kind (HTTPHeaderFilter). Names count without case. */
function checkModifier(check: RuleCheck, modifier: Modifier, path: FieldPath): void {
  const { set = [], add = [], remove = [] } = modifier
  const entries = [
    ...set.map(({ name, value }, index) => ({ name, value, at: [...path, 'set', index] })),
    ...add.map(({ name, value }, index) => ({ name, value, at: [...path, 'add', index] })),
  ]
  for (const { name, value, at } of entries) {
    check.headerName([...at, 'name'], name)
    check.headerValue([...at, 'value'], value)
  }
  for (const [index, name] of remove.entries()) check.headerName([...path, 'remove', index], name)
  const places = [
    ...entries.map(({ name, at }) => ({ name, at: [...at, 'name'] })),
    ...remove.map((name, index) => ({ name, at: [...path, 'remove', index] })),
  ]
  const first = new Map<string, FieldPath>()
  for (const { name, at } of places) {
    const before = first.get(name.toLowerCase())
    if (before === undefined) first.set(name.toLowerCase(), at)
    else
      check.add(
        'duplicate-name',
        at,
        `header ${name} stands under ${String(before[path.length])} at position ${String(before[path.length + 1])} already`,
        'name each header once in a filter; case does not matter',
      )
  }
}

function checkMirror(check: RuleCheck, mirror: FilterOf<'RequestMirror'>['requestMirror'], path: FieldPath): void {
  const { percent, fraction } = mirror
  if (percent !== undefined && fraction)
    check.add('contradiction', [...path, 'percent'], 'percent and fraction stand side by side', 'keep one of them')
  const whole = fraction?.denominator ?? 100
  if (fraction && fraction.numerator > whole)
    check.add(
      'out-of-range',
      [...path, 'fraction', 'numerator'],
      `the numerator ${fraction.numerator} is greater than the denominator ${whole}`,
      'a share is at most the whole',
    )
}

function checkCors(check: RuleCheck, cors: FilterOf<'CORS'>['cors'], path: FieldPath): void {
  for (const field of ['allowOrigins', 'allowMethods', 'allowHeaders'] as const) {
    const list: readonly string[] = cors[field] ?? []
    if (list.length > 1 && list.includes('*'))
      check.add(
        'contradiction',
        [...path, field],
        '* stands beside other entries',
        'keep * alone, or list what is allowed',
      )
  }
  for (const field of ['allowOrigins', 'allowMethods', 'allowHeaders', 'exposeHeaders'] as const)
    check.unique(cors[field] ?? [], (index) => [...path, field, index], 'the entry')
  for (const field of ['allowHeaders', 'exposeHeaders'] as const)
    for (const [index, name] of (cors[field] ?? []).entries()) check.headerName([...path, field, index], name)
}
