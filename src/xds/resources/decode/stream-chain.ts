/** A FilterChain with a TCP proxy → StreamRoute. */
import type { StreamBackend, StreamRoute } from '#/model/listener.ts'
import type { FieldReader } from './field-reader.ts'
import { readRule, readWeftMetadata } from './part.ts'
import { invalidBackendCluster } from './route-action.ts'

/** What a chain asks of a connection. */
export interface ChainMatch {
  serverNames: string[]
  port?: number
  /** It asks for HTTP. */
  isHttp: boolean
}

const httpProtocols: ReadonlySet<string> = new Set(['http/1.0', 'http/1.1', 'h2c', 'h2'])

/**
 * What else it could ask for is refused by name.
 * @param isMesh the listener takes mutual TLS of the mesh, by its own rules: what a chain says of TLS is for others.
 */
export function readChainMatch(match: FieldReader | undefined, isMesh = false): ChainMatch {
  if (!match) return { serverNames: [], isHttp: false }
  const serverNames = match.strings('server_names').map((name) => name.toLowerCase())
  const port = match.wrappedNumber('destination_port')
  const protocols = match.strings('application_protocols')
  for (const protocol of protocols)
    if (!httpProtocols.has(protocol)) match.fault('application_protocols', `${protocol} is unsupported by this proxy`)
  const transport = match.string('transport_protocol')
  if (isMesh && transport === 'tls') return { serverNames: [], ...(port === undefined ? {} : { port }), isHttp: false }
  if (transport !== '' && transport !== 'raw_buffer' && !(transport === 'tls' && serverNames.length > 0))
    match.fault('transport_protocol', `${transport} is unsupported by this proxy`)
  return { serverNames, ...(port === undefined ? {} : { port }), isHttp: protocols.length > 0 }
}

/** @param proxy the TCP proxy of the chain. */
export function readStream(chain: FieldReader, proxy: FieldReader, match: ChainMatch): StreamRoute {
  const rule = readRule(readWeftMetadata(chain))
  const { serverNames, port } = match
  if (match.isHttp) chain.fault('filter_chain_match', 'application_protocols before a TCP proxy are unsupported')
  const prefix = proxy.string('stat_prefix')
  return {
    name: chain.string('name') || prefix,
    serverNames,
    ...(port === undefined ? {} : { port }),
    backends: readBackends(proxy),
    ...(rule ? { rule } : {}),
  }
}

function readBackends(proxy: FieldReader): StreamBackend[] {
  const weighted = proxy.message('weighted_clusters')
  if (!weighted) {
    const cluster = proxy.string('cluster')
    if (cluster === '') proxy.fault('cluster', 'is empty')
    return [backendOf(cluster, 1)]
  }
  const clusters = weighted.messages('clusters')
  if (clusters.length === 0) weighted.fault('clusters', 'is empty')
  return clusters.map((entry) => backendOf(entry.string('name'), entry.number('weight')))
}

function backendOf(cluster: string, weight: number): StreamBackend {
  return cluster === invalidBackendCluster
    ? { type: 'invalid', reason: 'the backendRef is invalid', weight }
    : { type: 'cluster', cluster, weight }
}

/**
 * Envoy takes the most special chain, our proxy the first: by port before any port, exact names, wildcards by length, then
 * what takes all (FilterChainMatch).
 */
export function inOrder(streams: readonly StreamRoute[]): StreamRoute[] {
  return [...streams].sort((a, b) => portRank(a) - portRank(b) || nameRank(a) - nameRank(b))
}

function portRank({ port }: StreamRoute): number {
  return port === undefined ? 1 : 0
}

/** The longest DNS name has 253 characters. */
function nameRank({ serverNames }: StreamRoute): number {
  const [first] = serverNames
  if (first === undefined) return 1000
  return first.startsWith('*.') ? 500 - first.length : 0
}
