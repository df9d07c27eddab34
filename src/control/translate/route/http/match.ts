/** Which requests a rule takes: HTTPRouteMatch → RouteMatch. */
import type { HTTPMatch } from '#/api/gateway.ts'
import type { PathMatch, RouteMatch, ValueMatch } from '#/model/route.ts'

/** What a rule without matches takes: everything (HTTPRouteRule, `matches`). */
const everything: HTTPMatch = {}

/** One for each match, in the user's order. */
export function matchesOf(matches: readonly HTTPMatch[] | undefined): RouteMatch[] {
  return (matches && matches.length > 0 ? matches : [everything]).map(matchOf)
}

function matchOf({ path, headers, queryParams, method }: HTTPMatch): RouteMatch {
  return {
    path: pathOf(path),
    headers: valuesOf(headers, (name) => name.toLowerCase()),
    // Names of query parameters are compared exactly (HTTPQueryParamMatch, `name`).
    query: valuesOf(queryParams, (name) => name),
    ...(method ? { method } : {}),
  }
}

function pathOf(path: HTTPMatch['path']): PathMatch {
  const value = path?.value ?? '/'
  switch (path?.type ?? 'PathPrefix') {
    case 'Exact':
      return { type: 'exact', value }
    case 'RegularExpression':
      return { type: 'regex', value }
    case 'PathPrefix':
      // A slash at the end means nothing (PathMatchPathPrefix).
      return { type: 'segment-prefix', value: value.length > 1 && value.endsWith('/') ? value.slice(0, -1) : value }
  }
}

/** Of several entries with one name only the first counts (HTTPHeaderMatch and HTTPQueryParamMatch, `name`). */
export function valuesOf(entries: HTTPMatch['headers'], nameOf: (name: string) => string): ValueMatch[] {
  const values = new Map<string, ValueMatch>()
  for (const entry of entries ?? []) {
    const name = nameOf(entry.name)
    if (values.has(name)) continue
    const type = entry.type === 'RegularExpression' ? 'regex' : 'exact'
    values.set(name, { name, type, value: entry.value, isInverted: false })
  }
  return [...values.values()]
}
