/** Where opaque bytes go, compiled from the model: by SNI, by port, by weight. Immutable; replaced whole. */
import type { StreamBackend, StreamRoute } from '#/model/listener.ts'
import type { UpstreamCluster } from '#/proxy/upstream/upstream-cluster.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import type { Random } from '#/std/random.ts'

export interface WarmStreams {
  readonly routes: readonly StreamRoute[]
  /** By name; one that the control plane does not have is not among them. */
  readonly clusters: ReadonlyMap<string, UpstreamCluster>
  /** Nobody takes them, and why. */
  readonly refusal?: { code: ErrorCodeName; detail: string }
}

export function clustersOfStreams(routes: readonly StreamRoute[]): Set<string> {
  const names = new Set<string>()
  for (const { backends } of routes) {
    for (const backend of backends) if (backend.type === 'cluster') names.add(backend.cluster)
  }
  return names
}

/**
 * The route of a connection: of those for its port the one with the longest name that fits its SNI, else the first without names.
 * @param serverName from the ClientHello, lower-case; empty for a connection without TLS or without SNI.
 * @param port that a redirected connection was made to.
 */
export function findStreamRoute(
  routes: readonly StreamRoute[],
  { serverName, port }: { serverName: string; port: number | undefined },
): StreamRoute | undefined {
  let found: StreamRoute | undefined
  let foundLength = -1
  for (const route of routes) {
    if (route.port !== undefined && route.port !== port) continue
    const length = route.serverNames.length === 0 ? 0 : matchLength(route.serverNames, serverName)
    if (length > foundLength) {
      found = route
      foundLength = length
    }
  }
  return found
}

/** An exact name is longer than any wildcard (Gateway API TLSRoute); -1 for none. */
function matchLength(names: readonly string[], serverName: string): number {
  let longest = -1
  for (const name of names) {
    if (serverName === '') break
    if (name === serverName) return Number.MAX_SAFE_INTEGER
    // `*.example` stands for one label or more before the suffix.
    const suffix = name.startsWith('*.') ? name.slice(1) : ''
    if (suffix !== '' && serverName.endsWith(suffix) && serverName.length > suffix.length) {
      longest = Math.max(longest, suffix.length)
    } else if (name === '*') longest = Math.max(longest, 1)
  }
  return longest
}

/** @returns undefined when every weight is 0. */
export function drawBackend({ backends }: StreamRoute, random: Random): StreamBackend | undefined {
  let sum = 0
  for (const { weight } of backends) sum += weight
  let point = random() * sum
  for (const backend of backends) {
    if (backend.weight === 0) continue
    point -= backend.weight
    if (point < 0) return backend
  }
  return undefined
}
