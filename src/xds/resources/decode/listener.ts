/** envoy.config.listener.v3.Listener → Listener. One filter chain with one HTTP connection manager, or an ApiListener. */
import type { Listener, ListenerTarget } from '#/model/listener.ts'
import type { FieldReader } from './field-reader.ts'
import { readAddress, readConfigSource, readWeftMetadata } from './part.ts'
import { readRouteConfiguration } from './route.ts'

const managerType = 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager'
const routerType = 'envoy.extensions.filters.http.router.v3.Router'
/** Filters that do nothing unless a route configures them, and those that are carried out by other means here. */
const passiveFilters = new Set([
  'envoy.extensions.filters.http.cors.v3.Cors',
  'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig',
])

function readHttpFilters(manager: FieldReader): void {
  const filters = manager.messages('http_filters')
  filters.forEach((filter, index) => {
    const name = filter.string('name')
    const typeName = filter.any('typed_config')?.typeName ?? ''
    const isOptional = filter.boolean('is_optional')
    if (typeName === routerType) {
      if (index !== filters.length - 1) filter.fault('', 'the router must be the last HTTP filter')
    } else if (!passiveFilters.has(typeName) && !isOptional) {
      filter.fault('typed_config', `HTTP filter ${name} (${typeName}) is unsupported by this proxy`)
    }
    filter.ignore('disabled')
    filter.finish()
  })
}

function readManager(manager: FieldReader): ListenerTarget | undefined {
  readHttpFilters(manager)
  const rds = manager.message('rds')
  const inline = manager.message('route_config')
  let target: ListenerTarget | undefined
  if (rds) {
    readConfigSource(rds.message('config_source'))
    const name = rds.string('route_config_name')
    if (name === '') rds.fault('route_config_name', 'is empty')
    rds.finish()
    target = { type: 'routes', routes: { type: 'rds', name } }
  } else if (inline)
    target = { type: 'routes', routes: { type: 'inline', configuration: readRouteConfiguration(inline) } }
  else manager.fault('', 'one of rds and route_config must be there')
  manager.finish()
  return target
}

function readChains(reader: FieldReader): ListenerTarget | undefined {
  const chains = reader.messages('filter_chains')
  const fallback = reader.message('default_filter_chain')
  const all = fallback ? [...chains, fallback] : chains
  if (all.length !== 1) {
    reader.fault('filter_chains', `${all.length} filter chains; exactly one is supported by this proxy`)
    return undefined
  }
  const chain = all[0]!
  const filters = chain.messages('filters')
  const match = chain.message('filter_chain_match')
  match?.finish()
  if (filters.length !== 1) chain.fault('filters', 'exactly one network filter is supported by this proxy')
  const filter = filters[0]
  const typed = filter?.any('typed_config')
  filter?.ignore('name')
  chain.finish()
  if (!filter || !typed) return undefined
  if (typed.typeName !== managerType) {
    filter.fault('typed_config', `network filter ${typed.typeName} is unsupported by this proxy`)
    return undefined
  }
  return readManager(typed.open(managerType))
}

function readListenerFilters(reader: FieldReader): boolean {
  let isRedirected = false
  for (const filter of reader.messages('listener_filters')) {
    const name = filter.string('name')
    filter.ignore('typed_config')
    if (name === 'envoy.filters.listener.original_dst') isRedirected = true
    else if (!/^envoy\.filters\.listener\.(tls|http)_inspector$/.test(name))
      filter.fault('name', `listener filter ${name} is unsupported by this proxy`)
  }
  return isRedirected
}

export function readListener(reader: FieldReader): Listener {
  const name = reader.string('name')
  const facts = readWeftMetadata(reader)
  const direction = reader.enumeration('traffic_direction', 'UNSPECIFIED') === 'INBOUND' ? 'inbound' : 'outbound'
  const api = reader.message('api_listener')
  const address = reader.has('address') ? readAddress(reader.message('address')) : undefined
  let target: ListenerTarget | undefined
  if (facts.get('on_demand') === true) target = { type: 'on-demand' }
  else if (api) {
    const typed = api.any('api_listener')
    if (typed?.typeName === managerType) target = readManager(typed.open(managerType))
    else api.fault('api_listener', 'is no HttpConnectionManager')
  } else target = readChains(reader)
  if (!api && !address) reader.fault('address', 'is missing')
  const hasOriginal = readListenerFilters(reader)
  const usesOriginal = reader.wrappedBoolean('use_original_dst') ?? false
  reader.finish()
  return {
    name,
    ...(address ? { address } : {}),
    direction,
    target: target ?? { type: 'on-demand' },
    isRedirected: facts.get('redirected') === true || hasOriginal || usesOriginal,
    isLazy: facts.get('lazy') === true,
  }
}
