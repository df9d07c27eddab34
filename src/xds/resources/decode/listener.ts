/**
 * envoy.config.listener.v3.Listener → Listener. One filter chain with an HTTP connection manager, or an ApiListener; beside it or
 * alone, chains with a TCP proxy.
 */
import type { AccessRules } from '#/model/access.ts'
import type { HttpFilters } from '#/model/http-filter.ts'
import type { Listener, ListenerProtocol, ListenerTarget, StreamRoute } from '#/model/listener.ts'
import type { MutualTls, MutualTlsMode } from '#/model/mutual-tls.ts'
import type { PathRules } from '#/model/path-rules.ts'
import type { ServerTls } from '#/model/tls.ts'
import type { AnyContent, FieldReader } from './field-reader.ts'
import { type ManagerContent, readManager } from './http-connection-manager.ts'
import { expectBoolean, factText, readAddress, readWeftMetadata, type WeftFacts } from './part.ts'
import { networkRbacType, readNetworkRbac } from './rbac.ts'
import { inOrder, readChainMatch, readStream } from './stream-chain.ts'
import { readServerSocket } from './transport-socket.ts'

const managerType = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'

const proxyProtocolType = 'envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol'
const tcpProxyType = 'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy'

interface Chains {
  target?: ListenerTarget
  filters?: HttpFilters
  paths?: PathRules
  streams: StreamRoute[]
  /** Of all chains alike. */
  tls?: ServerTls
}

/** Chains of streams, and at most one of requests. */
/** @param isMesh beside each chain there may be the same again for TLS of the mesh. */
function readChains(reader: FieldReader, isMesh: boolean): Chains {
  const fallback = reader.message('default_filter_chain')
  const chains: Chains = { streams: [] }
  let managers = 0
  const all = [...reader.messages('filter_chains'), ...(fallback ? [fallback] : [])]
  const tls = all.map((chain) => {
    const socket = chain.message('transport_socket')
    if (!isMesh) return readServerSocket(socket)
    socket?.skip()
    return undefined
  })
  if (tls.some((one) => JSON.stringify(one) !== JSON.stringify(tls[0])))
    reader.fault('filter_chains', 'transport_socket differs; one for all is supported by this proxy')
  if (tls[0]) chains.tls = tls[0]
  for (const chain of all) {
    const match = readChainMatch(chain.message('filter_chain_match'), isMesh)
    const { typed, access } = readFilters(chain)
    if (typed?.typeName === tcpProxyType)
      addStream(
        chains.streams,
        { ...readStream(chain, typed.open(tcpProxyType), match), ...(access ? { access } : {}) },
        isMesh,
      )
    else if (typed?.typeName === managerType) {
      managers++
      if (!isMesh && (match.serverNames.length > 0 || match.port !== undefined))
        chain.fault('filter_chain_match', 'of requests only application_protocols are supported by this proxy')
      if (access) chain.fault('filters', 'RBAC before a connection manager is unsupported by this proxy')
      const { target, filters, paths } = readManager(typed.open(managerType))
      if (target) chains.target ??= target
      chains.filters ??= filters
      if (paths) chains.paths ??= paths
    }
  }
  if (managers > 1 && !isMesh)
    reader.fault('filter_chains', `${managers} of requests; at most one is supported by this proxy`)
  chains.streams = inOrder(chains.streams)
  return chains
}

/** The twin of a chain for TLS of the mesh has its name with ` mesh` behind. */
function addStream(streams: StreamRoute[], stream: StreamRoute, isMesh: boolean): void {
  const name = isMesh ? stream.name.replace(/ mesh$/, '') : stream.name
  if (!isMesh || !streams.some((one) => one.name === name)) streams.push({ ...stream, name })
}

/** `mutual_tls: strict`, `mutual_tls_ports: 8080=permissive 9090=disabled`. */
function mutualTlsOf(facts: WeftFacts): MutualTls | undefined {
  const mode = modeOf(factText(facts, 'mutual_tls'))
  if (!mode) return undefined
  const ports: Record<number, MutualTlsMode> = {}
  for (const entry of factText(facts, 'mutual_tls_ports').split(' ')) {
    const [port, text = ''] = entry.split('=')
    const other = modeOf(text)
    if (other) ports[Number(port)] = other
  }
  return { mode, ...(Object.keys(ports).length > 0 ? { ports } : {}) }
}

function modeOf(text: string): MutualTlsMode | undefined {
  return text === 'strict' || text === 'permissive' || text === 'disabled' ? text : undefined
}

/** The last network filter of a chain, of a type that is known (undefined when a fault was told), and RBAC before it. */
function readFilters(chain: FieldReader): { typed?: AnyContent; access?: AccessRules } {
  const filters = chain.messages('filters')
  const last = filters.pop()
  let access: AccessRules | undefined
  for (const filter of filters) {
    const typed = filter.any('typed_config')
    if (typed?.typeName === networkRbacType) access = readNetworkRbac(typed.open(networkRbacType), access)
    else {
      filter.skip()
      chain.fault('filters', 'before the last network filter only RBAC is supported by this proxy')
    }
  }
  const typed = last?.any('typed_config')
  if (typed?.typeName === managerType || typed?.typeName === tcpProxyType)
    return { typed, ...(access ? { access } : {}) }
  if (last) last.fault('typed_config', `network filter ${typed?.typeName ?? ''} is unsupported by this proxy`)
  else chain.fault('filters', 'is empty')
  return {}
}

/** Inspectors find out what is spoken, which this proxy does by itself where it matters. */
const idleListenerFilters = /^envoy\.filters\.listener\.(tls|http)_inspector$/

function readListenerFilters(reader: FieldReader): Pick<Listener, 'isRedirected' | 'acceptsProxyProtocol'> {
  let isRedirected = reader.wrappedBoolean('use_original_dst') ?? false
  let acceptsProxyProtocol = reader.wrappedBoolean('use_proxy_proto') ?? false
  for (const filter of reader.messages('listener_filters')) {
    const name = filter.string('name')
    if (name === 'envoy.filters.listener.original_dst') isRedirected = true
    else if (name === 'envoy.filters.listener.proxy_protocol') acceptsProxyProtocol = readProxyFilter(filter)
    else if (!idleListenerFilters.test(name))
      filter.fault('name', `listener filter ${name} is unsupported by this proxy`)
  }
  return { isRedirected, ...(acceptsProxyProtocol ? { acceptsProxyProtocol } : {}) }
}

/** @returns true: connections begin with a header. */
function readProxyFilter(filter: FieldReader): boolean {
  const config = filter.any('typed_config')?.open(proxyProtocolType)
  if (config?.boolean('allow_requests_without_proxy_protocol'))
    config.fault(
      'allow_requests_without_proxy_protocol',
      'is unsupported by this proxy: who may leave it out may write it',
    )
  config?.ignore('stat_prefix')
  return true
}

function readApiListener(api: FieldReader): ManagerContent {
  const typed = api.any('api_listener')
  if (typed?.typeName === managerType) return readManager(typed.open(managerType))
  api.fault('api_listener', 'is no HttpConnectionManager')
  return { target: undefined, filters: {} }
}

const protocols: ReadonlySet<string> = new Set(['http', 'tcp', 'tls', 'auto', 'udp'] satisfies ListenerProtocol[])

/** As our control plane tells it; of others it is what the chains ask for. */
function protocolOf(facts: WeftFacts, { target, streams }: Chains): ListenerProtocol {
  const told = factText(facts, 'protocol')
  if (protocols.has(told)) return told as ListenerProtocol
  if (streams.length === 0) return 'http'
  if (target) return 'auto'
  return streams.some(({ serverNames }) => serverNames.length > 0) ? 'tls' : 'tcp'
}

function onDemand(facts: WeftFacts): ListenerTarget {
  return { type: 'on-demand', ...(facts.get('refuses_unknown') === true ? { refusesUnknown: true } : {}) }
}

export function readListener(reader: FieldReader): Listener {
  const name = reader.string('name')
  const facts = readWeftMetadata(reader)
  const direction = reader.enumeration('traffic_direction', 'UNSPECIFIED') === 'INBOUND' ? 'inbound' : 'outbound'
  const api = reader.message('api_listener')
  const isUdp = factText(facts, 'protocol') === 'udp'
  const address = reader.has('address') ? readAddress(reader.message('address'), isUdp) : undefined
  const isOnDemand = facts.get('on_demand') === true
  const mutualTls = mutualTlsOf(facts)
  const chains = readChains(reader, mutualTls !== undefined)
  const { streams } = chains
  const { target, filters = {}, paths } = api ? readApiListener(api) : chains
  if (!api && !reader.has('address') && streams.length === 0) reader.fault('address', 'is missing')
  if (!target && streams.length === 0 && !isOnDemand) reader.fault('filter_chains', 'there is none that is supported')
  expectBoolean(reader, 'bind_to_port', true)
  const listenerFilters = readListenerFilters(reader)
  const protocol = protocolOf(facts, { ...chains, ...(target ? { target } : {}) })
  return {
    name,
    ...(address ? { address } : {}),
    direction,
    ...(protocol === 'http' ? {} : { protocol }),
    target: isOnDemand ? onDemand(facts) : (target ?? { type: 'streams' }),
    ...(streams.length > 0 ? { streams } : {}),
    ...(chains.tls ? { tls: chains.tls } : {}),
    ...(mutualTls ? { mutualTls } : {}),
    ...(Object.keys(filters).length > 0 ? { filters } : {}),
    ...(paths ? { paths } : {}),
    ...listenerFilters,
    isRedirected: facts.get('redirected') === true || listenerFilters.isRedirected,
    isLazy: facts.get('lazy') === true,
  }
}
