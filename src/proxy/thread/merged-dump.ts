/** What is in force in several event loops, as one: they hold the same configuration, each its own connections and counts. */
import type { EndpointDump, ProxyDump } from '#/proxy/proxy-dump.ts'

type ListenerDump = ProxyDump['listeners'][number]

/** @param dumps one or more. What they tell of one thing is added up; what only some know of is there too. */
export function mergeDumps(dumps: readonly ProxyDump[]): ProxyDump {
  return {
    listeners: mergeBy(
      dumps.flatMap(({ listeners }) => listeners),
      ({ name }) => name,
      mergeListeners,
    ),
    destinations: mergeBy(
      dumps.flatMap(({ destinations }) => destinations),
      ({ name }) => name,
      preferReady,
    ),
    routes: mergeBy(
      dumps.flatMap(({ routes }) => routes),
      ({ name }) => name,
      takeFirst,
    ),
    clusters: mergeBy(
      dumps.flatMap(({ clusters }) => clusters),
      ({ name }) => name,
      takeFirst,
    ),
    endpoints: mergeBy(
      dumps.flatMap(({ endpoints }) => endpoints),
      ({ cluster, address }) => `${cluster} ${address}`,
      addCounts,
    ),
  }
}

/** In the order in which they are first met. */
export function mergeBy<T>(all: readonly T[], keyOf: (one: T) => string, merge: (a: T, b: T) => T): T[] {
  const merged = new Map<string, T>()
  for (const one of all) {
    const key = keyOf(one)
    const before = merged.get(key)
    merged.set(key, before === undefined ? one : merge(before, one))
  }
  return [...merged.values()]
}

function takeFirst<T>(first: T): T {
  return first
}

/** It is bound when all loops have bound it. */
function mergeListeners(a: ListenerDump, b: ListenerDump): ListenerDump {
  return {
    ...a,
    isBound: a.isBound && b.isBound,
    fault: a.fault || b.fault,
    connections: a.connections + b.connections,
  }
}

/** A loop learns a destination when one of its own connections calls it. */
function preferReady<T extends { state: string }>(a: T, b: T): T {
  return b.state === 'ready' ? b : a
}

function addCounts(a: EndpointDump, b: EndpointDump): EndpointDump {
  return {
    ...a,
    active: a.active + b.active,
    requests: a.requests + b.requests,
    failures: a.failures + b.failures,
    connections: a.connections + b.connections,
    waiting: a.waiting + b.waiting,
  }
}
