/**
 * Which of two matches is tried first (HTTPRouteRule, `matches`): exact path, longest path prefix, method, most headers,
 * most query parameters; then the oldest route, then by `namespace/name`, then the order in the route.
 *
 * Where regular expressions stand is for the implementation to say. Here: after exact paths and before all prefixes, the
 * longest pattern first. A pattern is written for a special case, and behind the prefixes a mere `/` would hide it.
 */
import type { Route, RouteMatch } from '#/model/route.ts'
import { compareText } from '../fault.ts'
import type { CompiledRoute } from './compiled-route.ts'

const pathRank = { exact: 0, regex: 1, 'segment-prefix': 2, prefix: 2 } as const

/** Below 0 when `a` goes first, 0 on a tie. */
export function compareMatches(a: RouteMatch, b: RouteMatch): number {
  return (
    pathRank[a.path.type] - pathRank[b.path.type] ||
    pathLength(b) - pathLength(a) ||
    Number(b.method !== undefined) - Number(a.method !== undefined) ||
    b.headers.length - a.headers.length ||
    b.query.length - a.query.length
  )
}

/** Two exact paths of different length never match the same request. */
function pathLength({ path }: RouteMatch): number {
  return path.type === 'exact' ? 0 : path.value.length
}

function compareAge(a: CompiledRoute, b: CompiledRoute): number {
  if (a.createdAtMs !== b.createdAtMs) return a.createdAtMs - b.createdAtMs
  return compareText(`${a.ref.namespace}/${a.ref.name}`, `${b.ref.namespace}/${b.ref.name}`)
}

/** All matches of all rules in the order in which a proxy tries them. */
export function inPrecedence(objects: readonly CompiledRoute[]): Route[] {
  const byAge = [...objects].sort(compareAge)
  const routes = byAge.flatMap(({ rules }) => rules.flatMap((rule) => rule.routes))
  // The sort is stable, so ties keep the order of age and of the rules.
  return routes.sort((a, b) => compareMatches(a.match, b.match))
}
