/** envoy.config.listener.v3.Listener → Listener. One filter chain with one HTTP connection manager, or an ApiListener. */
import type { Listener, ListenerTarget } from '#/model/listener.ts'
import type { FieldReader } from './field-reader.ts'
import { readManager } from './http-connection-manager.ts'
import { expectBoolean, readAddress, readWeftMetadata } from './part.ts'

const managerType = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'

function readChains(reader: FieldReader): ListenerTarget | undefined {
  const chains = reader.messages('filter_chains')
  const fallback = reader.message('default_filter_chain')
  const all = fallback ? [...chains, fallback] : chains
  if (all.length !== 1) {
    for (const chain of all) chain.skip()
    reader.fault('filter_chains', `${all.length} filter chains; exactly one is supported by this proxy`)
    return undefined
  }
  const chain = all[0]!
  // An empty match is every connection; what it could hold is refused by name.
  chain.message('filter_chain_match')
  const filters = chain.messages('filters')
  const [filter] = filters
  if (!filter || filters.length > 1) {
    for (const each of filters) each.skip()
    chain.fault('filters', 'exactly one network filter is supported by this proxy')
    return undefined
  }
  const typed = filter.any('typed_config')
  if (typed?.typeName === managerType) return readManager(typed.open(managerType))
  filter.fault('typed_config', `network filter ${typed?.typeName ?? ''} is unsupported by this proxy`)
  return undefined
}

/** Inspectors find out what is spoken; with one filter chain nothing depends on it. */
const idleListenerFilters = /^envoy\.filters\.listener\.(tls|http)_inspector$/

/** @returns whether connections arrive by redirection. */
function readListenerFilters(reader: FieldReader): boolean {
  let isRedirected = reader.wrappedBoolean('use_original_dst') ?? false
  for (const filter of reader.messages('listener_filters')) {
    const name = filter.string('name')
    if (name === 'envoy.filters.listener.original_dst') isRedirected = true
    else if (!idleListenerFilters.test(name))
      filter.fault('name', `listener filter ${name} is unsupported by this proxy`)
  }
  return isRedirected
}

function readApiListener(api: FieldReader): ListenerTarget | undefined {
  const typed = api.any('api_listener')
  if (typed?.typeName === managerType) return readManager(typed.open(managerType))
  api.fault('api_listener', 'is no HttpConnectionManager')
  return undefined
}

export function readListener(reader: FieldReader): Listener {
  const name = reader.string('name')
  const facts = readWeftMetadata(reader)
  const direction = reader.enumeration('traffic_direction', 'UNSPECIFIED') === 'INBOUND' ? 'inbound' : 'outbound'
  const api = reader.message('api_listener')
  const address = reader.has('address') ? readAddress(reader.message('address')) : undefined
  if (!api && !reader.has('address')) reader.fault('address', 'is missing')
  expectBoolean(reader, 'bind_to_port', true)
  const isOnDemand = facts.get('on_demand') === true
  const target = isOnDemand ? undefined : api ? readApiListener(api) : readChains(reader)
  const hasOriginal = readListenerFilters(reader)
  return {
    name,
    ...(address ? { address } : {}),
    direction,
    target: target ?? { type: 'on-demand' },
    isRedirected: facts.get('redirected') === true || hasOriginal,
    isLazy: facts.get('lazy') === true,
  }
}
