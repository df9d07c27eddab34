/**
 * Which calls a rule takes: GRPCRouteMatch → RouteMatch. The path of a call is `/SERVICE/METHOD` (gRPC over HTTP/2,
 * Requests), so a method is matched by its path.
 */
import type { GRPCMatch } from '#/api/grpc-route.ts'
import type { PathMatch, RouteMatch } from '#/model/route.ts'
import { valuesOf } from '../http/match.ts'

export interface RankedMatch {
  match: RouteMatch
  rank: readonly number[]
}

/** What a rule without matches takes: every call (GRPCRouteRule, `matches`). */
const everything: GRPCMatch = {}

/** One for each match, in the user's order. */
export function matchesOf(matches: readonly GRPCMatch[] | undefined): RankedMatch[] {
  return (matches && matches.length > 0 ? matches : [everything]).map((match) => {
    const headers = valuesOf(match.headers, (name) => name.toLowerCase())
    return {
      match: { path: pathOf(match.method), headers, query: [], isGrpc: true },
      rank: [...methodRank(match.method), -headers.length],
    }
  })
}

type MethodMatch = NonNullable<GRPCMatch['method']>

/**
 * GRPCRouteRule, `matches`: the longest service first, then the longest method. Where regular expressions stand is for the
 * implementation to say; as in HTTPRoutes they go behind exact names and before none.
 */
function methodRank({ type, service = '', method = '' }: MethodMatch = {}): number[] {
  const kindOf = (text: string): number => (text === '' ? 2 : type === 'RegularExpression' ? 1 : 0)
  return [kindOf(service), -service.length, kindOf(method), -method.length]
}

function pathOf({ type, service = '', method = '' }: MethodMatch = {}): PathMatch {
  if (service === '' && method === '') return { type: 'prefix', value: '/' }
  if (type === 'RegularExpression') return { type: 'regex', value: `/${partOf(service)}/${partOf(method)}` }
  if (service === '') return { type: 'regex', value: `/${anyPart}/${method}` }
  return method === '' ? { type: 'prefix', value: `/${service}/` } : { type: 'exact', value: `/${service}/${method}` }
}

const anyPart = '[^/]+'

/** The pattern is for one part of the path, so an anchor at its ends says nothing that is not so. */
function partOf(pattern: string): string {
  const bare = pattern.replace(/^\^/, '').replace(/(?<!\\)\$$/, '')
  return bare === '' ? anyPart : `(?:${bare})`
}
