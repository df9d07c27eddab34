/** Stream routes of several objects at one port: which goes first, and which never takes anything. */
import type { StreamRoute } from '#/model/listener.ts'
import type { RuleRef } from '#/model/object-ref.ts'

/** Server names of a rule that another one takes first; none for a rule that takes any connection. */
export interface StreamShadow {
  /** The destination at which it happens. */
  configuration: string
  loser: RuleRef
  winner: RuleRef
  serverNames: readonly string[]
}

/**
 * Exact names first, then wildcards, the longest first (TLSRouteSpec, `hostnames`; as for HTTP), then any; ties as they come.
 * What is taken already is left out: Envoy refuses a listener that says the same twice.
 * @param routes the oldest object's first.
 */
export function inOrder(
  configuration: string,
  routes: readonly StreamRoute[],
): { streams: StreamRoute[]; shadows: StreamShadow[] } {
  const streams: StreamRoute[] = []
  const shadows: StreamShadow[] = []
  const taken = new Map<string, RuleRef>()
  for (const route of [...routes].sort((a, b) => rank(a) - rank(b))) {
    const free = namesOf(route).filter((name) => !taken.has(name))
    for (const [winner, serverNames] of lost(route, taken))
      shadows.push({ configuration, loser: route.rule!, winner, serverNames })
    for (const name of free) taken.set(name, route.rule!)
    if (free.length > 0) streams.push(free.length === namesOf(route).length ? route : { ...route, serverNames: free })
  }
  return { streams, shadows }
}

/** Stands for every connection. */
const any = ''

function namesOf({ serverNames }: StreamRoute): readonly string[] {
  return serverNames.length > 0 ? serverNames : [any]
}

/** By winner: the names that it took. */
function lost(route: StreamRoute, taken: ReadonlyMap<string, RuleRef>): Map<RuleRef, string[]> {
  const found = new Map<RuleRef, string[]>()
  for (const name of namesOf(route)) {
    const winner = taken.get(name)
    if (!winner) continue
    const names = found.get(winner) ?? []
    found.set(winner, names)
    if (name !== any) names.push(name)
  }
  return found
}

/** The longest DNS name has 253 characters. */
function rank({ serverNames }: StreamRoute): number {
  const first = serverNames[0]
  if (first === undefined) return 1000
  return first.startsWith('*.') ? 500 - first.length : 0
}
