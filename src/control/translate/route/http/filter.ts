/** What a rule does to requests and answers on the way: filters → the model's mutations, redirect, rewrite, mirrors, CORS. */
import type { HTTPFilter } from '#/api/gateway.ts'
import type { CorsPolicy, HeaderMutation, HeaderValue, Mirror, PathRewrite, RedirectAction } from '#/model/route.ts'
import type { Finding } from '../../fault.ts'
import { resolveBackend } from '../backend-reference.ts'
import type { RuleScope } from '../rule-scope.ts'

export interface Filters {
  requestHeaders?: HeaderMutation
  responseHeaders?: HeaderMutation
  cors?: CorsPolicy
  redirect?: RedirectAction
  rewrite?: { host?: string; path?: PathRewrite }
  mirrors: Mirror[]
}

type FilterOf<T extends HTTPFilter['type']> = Extract<HTTPFilter, { type: T }>

/** The filters of a rule. What can't be honoured is reported, and makes the whole rule answer 500. */
export function filtersOf(filters: readonly HTTPFilter[] | undefined, scope: RuleScope): Filters {
  const found: Filters = { mirrors: [] }
  filters?.forEach((filter, i) => {
    const field = `${scope.field}.filters[${i}]`
    switch (filter.type) {
      case 'RequestHeaderModifier':
        found.requestHeaders ??= mutationOf(filter.requestHeaderModifier)
        break
      case 'ResponseHeaderModifier':
        found.responseHeaders ??= mutationOf(filter.responseHeaderModifier)
        break
      case 'RequestRedirect':
        found.redirect ??= redirectOf(filter.requestRedirect)
        break
      case 'URLRewrite':
        found.rewrite ??= rewriteOf(filter.urlRewrite)
        break
      case 'RequestMirror':
        addMirror(found, filter.requestMirror, { ...scope, field: `${field}.requestMirror` })
        break
      case 'CORS':
        found.cors ??= corsOf(filter.cors)
        break
      case 'ExtensionRef':
        reportExtension(filter, { ...scope, field: `${field}.extensionRef` })
    }
  })
  if (found.redirect && found.mirrors.length > 0) reportMirroredRedirect(filters ?? [], scope)
  return found
}

/** The filters of one backendRef: header changes only. */
export function backendHeaders(
  filters: readonly HTTPFilter[] | undefined,
  scope: RuleScope,
): Pick<Filters, 'requestHeaders' | 'responseHeaders'> {
  const found: Pick<Filters, 'requestHeaders' | 'responseHeaders'> = {}
  filters?.forEach((filter, i) => {
    if (filter.type === 'RequestHeaderModifier') found.requestHeaders ??= mutationOf(filter.requestHeaderModifier)
    else if (filter.type === 'ResponseHeaderModifier')
      found.responseHeaders ??= mutationOf(filter.responseHeaderModifier)
    else {
      const finding: Finding = {
        code: 'unsupported-filter',
        field: `${scope.field}.filters[${i}].type`,
        message: `A backendRef can't have the filter ${filter.type}; only RequestHeaderModifier and ResponseHeaderModifier.`,
        cure: 'Move the filter to the rule, or make a rule of its own for this backend.',
      }
      scope.report({ type: 'rule', rule: scope.rule, reason: 'UnsupportedValue', finding })
    }
  })
  return found
}

function mutationOf(filter: FilterOf<'RequestHeaderModifier'>['requestHeaderModifier']): HeaderMutation {
  const remove = new Set((filter.remove ?? []).map((name) => name.toLowerCase()))
  return { set: headersOf(filter.set), add: headersOf(filter.add), remove: [...remove] }
}

/** Of several entries with one name only the first counts (HTTPHeader, `name`). */
function headersOf(headers: readonly HeaderValue[] | undefined): HeaderValue[] {
  const values = new Map<string, HeaderValue>()
  for (const { name, value } of headers ?? []) {
    const lower = name.toLowerCase()
    if (!values.has(lower)) values.set(lower, { name: lower, value })
  }
  return [...values.values()]
}

/** What a port that is not said means depends on the port that was called: see `withListenerPort`. */
function redirectOf(filter: FilterOf<'RequestRedirect'>['requestRedirect']): RedirectAction {
  const { scheme, hostname, port, path, statusCode } = filter
  return {
    type: 'redirect',
    ...(scheme ? { scheme } : {}),
    ...(hostname ? { host: hostname } : {}),
    ...(port ? { port } : {}),
    ...(path ? { path: pathRewriteOf(path) } : {}),
    status: statusCode ?? 302,
  }
}

function rewriteOf({ hostname, path }: FilterOf<'URLRewrite'>['urlRewrite']): NonNullable<Filters['rewrite']> {
  return { ...(hostname ? { host: hostname } : {}), ...(path ? { path: pathRewriteOf(path) } : {}) }
}

function pathRewriteOf(path: NonNullable<FilterOf<'URLRewrite'>['urlRewrite']['path']>): PathRewrite {
  return path.type === 'ReplaceFullPath'
    ? { type: 'full', value: path.replaceFullPath }
    : { type: 'prefix', value: path.replacePrefixMatch }
}

type MirrorFilter = FilterOf<'RequestMirror'>['requestMirror']

/** A mirror whose backend can't be used is left out (HTTPRequestMirrorFilter, `backendRef`). */
function addMirror(found: Filters, filter: MirrorFilter, scope: RuleScope): void {
  const backend = resolveBackend(filter.backendRef, `${scope.field}.backendRef`, scope)
  if (backend.ok) found.mirrors.push({ cluster: backend.name, ...shareOf(filter) })
}

/** Envoy knows three denominators; another one is brought to millionths. */
function shareOf({ percent, fraction }: MirrorFilter): Pick<Mirror, 'numerator' | 'denominator'> {
  if (!fraction) return { numerator: percent ?? 100, denominator: 100 }
  const { numerator, denominator = 100 } = fraction
  if (denominator === 100 || denominator === 10_000 || denominator === 1_000_000) return { numerator, denominator }
  return { numerator: Math.round((numerator / denominator) * 1_000_000), denominator: 1_000_000 }
}

/** An absent `maxAge` is 5 s (HTTPCORSFilter). */
function corsOf(filter: FilterOf<'CORS'>['cors']): CorsPolicy {
  return {
    allowOrigins: filter.allowOrigins ?? [],
    allowMethods: filter.allowMethods ?? [],
    allowHeaders: filter.allowHeaders ?? [],
    exposeHeaders: filter.exposeHeaders ?? [],
    allowCredentials: filter.allowCredentials ?? false,
    maxAgeSeconds: filter.maxAge ?? 5,
  }
}

/** A filter that can't be resolved must not be skipped (HTTPRouteFilter, `type`). */
function reportExtension({ extensionRef }: FilterOf<'ExtensionRef'>, scope: RuleScope): void {
  const finding: Finding = {
    code: 'unsupported-filter',
    field: scope.field,
    message: `Weft knows no filter of kind ${extensionRef.kind ?? '(none)'}, and must not skip it.`,
    cure: 'Remove the filter.',
  }
  scope.report({ type: 'rule', rule: scope.rule, reason: 'UnsupportedValue', finding })
}

/** A redirected request is never sent anywhere, so there is nothing to mirror. */
function reportMirroredRedirect(filters: readonly HTTPFilter[], scope: RuleScope): void {
  const finding: Finding = {
    code: 'incompatible-filters',
    field: `${scope.field}.filters[${filters.findIndex(({ type }) => type === 'RequestMirror')}]`,
    message: 'A rule that redirects sends no request that could be mirrored.',
    cure: 'Remove RequestMirror or RequestRedirect.',
  }
  scope.report({ type: 'rule', rule: scope.rule, reason: 'IncompatibleFilters', finding })
}
