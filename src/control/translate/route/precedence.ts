/**
 * Which of two routes is tried first: by rank, then the oldest object, then by `namespace/name`, then the order in the object
 * (HTTPRouteRule and GRPCRouteRule, `matches`).
 */
import type { RouteMatch } from '#/model/route.ts'
import { compareText } from '../fault.ts'
import type { CompiledRoute, RankedRoute } from './compiled-route.ts'

const pathRank = { exact: 0, regex: 1, 'segment-prefix': 2, prefix: 2 } as const

/**
 * An HTTPRoute's: exact path, longest path prefix, method, most headers, most query parameters.
 * Where regular expressions stand is for the implementation to say. Here: after exact paths and before all prefixes, the
 * longest pattern first. A pattern is written for a special case, and behind the prefixes a mere `/` would hide it.
 */
export function matchRank({ path, method, headers, query }: RouteMatch): number[] {
  // Two exact paths of different length never match the same request.
  const length = path.type === 'exact' ? 0 : path.value.length
  return [pathRank[path.type], -length, method === undefined ? 1 : 0, -headers.length, -query.length]
}

/** Below 0 when `a` goes first, 0 on a tie. Ranks of one kind are equally long. */
export function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!
  return 0
}

/** The oldest first. */
export function byAge(objects: Iterable<CompiledRoute>): CompiledRoute[] {
  return [...objects].sort(compareAge)
}

function compareAge(a: CompiledRoute, b: CompiledRoute): number {
  if (a.createdAtMs !== b.createdAtMs) return a.createdAtMs - b.createdAtMs
  return compareText(`${a.ref.namespace}/${a.ref.name}`, `${b.ref.namespace}/${b.ref.name}`)
}

/** All matches of all rules in the order in which a proxy tries them. */
export function inPrecedence(objects: readonly CompiledRoute[]): RankedRoute[] {
  const routes = byAge(objects).flatMap(({ rules }) => rules.flatMap((rule) => rule.routes))
  // The sort is stable, so ties keep the order of age and of the rules.
  return routes.sort((a, b) => compareRanks(a.rank, b.rank))
}
