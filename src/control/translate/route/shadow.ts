/**
 * Rules that can never take a request, because another one takes it first. Precedence puts the more special match before
 * the more general one, so a match is hidden only by one with the same conditions, or by a regular expression that takes
 * every path (patterns go before prefixes).
 */
import type { RuleRef } from '#/model/object-ref.ts'
import type { Route, RouteConfiguration, RouteMatch, ValueMatch } from '#/model/route.ts'

export interface Shadow {
  /** The configuration in which it happens. */
  configuration: string
  loser: RuleRef
  /** Position in the loser's `matches`. */
  match: number
  winner: RuleRef
  /** `same`: both ask for the same. `any-path`: the winner is a pattern that takes every path. */
  because: 'same' | 'any-path'
}

/** Patterns that take every path, as people write them. */
const allPaths: ReadonlySet<string> = new Set(['.*', '/.*', '^.*$', '^/.*$', '^/.*', '.+', '/(.*)', '^/(.*)$', '(.*)'])

export function findShadows(configuration: RouteConfiguration): Shadow[] {
  const shadows: Shadow[] = []
  for (const { routes } of configuration.virtualHosts) {
    const first = new Map<string, Route>()
    const greedy: Route[] = []
    for (const route of routes) {
      const key = conditionKey(route.match)
      const same = first.get(key)
      const winner = same ?? greedy.find((earlier) => takesAll(earlier.match, route.match))
      if (!same) first.set(key, route)
      const { path } = route.match
      if (path.type === 'regex' && allPaths.has(path.value)) greedy.push(route)
      // Two matches of one rule that say the same do no harm.
      if (!winner?.rule || !route.rule || winner.rule === route.rule) continue
      const because = same ? 'same' : 'any-path'
      const { name } = configuration
      shadows.push({ configuration: name, loser: route.rule, match: matchIndex(route), winner: winner.rule, because })
    }
  }
  return shadows
}

/** The last number of a route's name (`… match 2`). */
function matchIndex({ name }: Route): number {
  return Number(name.slice(name.lastIndexOf(' ') + 1))
}

/** `general` asks for nothing but any path and conditions that `special` asks for as well. */
function takesAll(general: RouteMatch, special: RouteMatch): boolean {
  return (
    (general.method === undefined || general.method === special.method) &&
    isSubset(general.headers, special.headers) &&
    isSubset(general.query, special.query)
  )
}

function isSubset(few: readonly ValueMatch[], many: readonly ValueMatch[]): boolean {
  const keys = new Set(many.map(valueKey))
  return few.every((match) => keys.has(valueKey(match)))
}

/** Equal for matches that take the same requests by the same conditions, whatever their order. */
function conditionKey({ path, headers, query, method, isGrpc }: RouteMatch): string {
  const parts = [
    isGrpc ? 'gRPC' : '',
    path.type,
    path.value,
    method ?? '',
    ...headers.map(valueKey).sort(),
    '?',
    ...query.map(valueKey).sort(),
  ]
  return parts.join('\n')
}

function valueKey({ name, type, value, isInverted }: ValueMatch): string {
  return `${name} ${isInverted ? '!' : ''}${type} ${value}`
}
