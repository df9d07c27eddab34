/** The HttpConnectionManager of a listener → where its requests are routed. */
import type { HttpFilters } from '#/model/http-filter.ts'
import type { ListenerTarget } from '#/model/listener.ts'
import type { PathRules } from '#/model/path-rules.ts'
import type { FieldReader } from './field-reader.ts'
import { findHttpFilter } from './http-filter.ts'
import { readCommonProtocolOptions, readConfigSource, readUpgrades } from './part.ts'
import { readRouteConfiguration } from './route.ts'

const routerType = 'envoy.extensions.filters.http.router.v3.Router'
/** Filters that do nothing unless a route configures them, and those that only count. */
const passiveFilters = new Set([
  'envoy.extensions.filters.http.cors.v3.Cors',
  'envoy.extensions.filters.http.grpc_stats.v3.FilterConfig',
])

function readHttpFilters(manager: FieldReader): HttpFilters {
  const known: HttpFilters = {}
  const filters = manager.messages('http_filters')
  filters.forEach((filter, index) => {
    const name = filter.string('name')
    const typed = filter.any('typed_config')
    const isOptional = filter.boolean('is_optional')
    const isDisabled = filter.boolean('disabled')
    const decoder = typed && findHttpFilter(typed.typeName)
    if (typed?.typeName === routerType) {
      typed.open(routerType)
      if (index !== filters.length - 1) filter.fault('', 'the router must be the last HTTP filter')
    } else if (decoder && !isDisabled) decoder.read(typed.open(typed.typeName), known)
    else if (isOptional || isDisabled) filter.skip()
    else if (typed && !passiveFilters.has(typed.typeName))
      filter.fault('typed_config', `HTTP filter ${name} (${typed.typeName}) is unsupported by this proxy`)
    else if (!typed) filter.fault('typed_config', 'is missing')
  })
  return known
}

/** @returns undefined when paths are taken as they come. */
function readPathRules(manager: FieldReader): PathRules | undefined {
  const isNormalized = manager.wrappedBoolean('normalize_path') ?? false
  const mergesSlashes = manager.boolean('merge_slashes')
  const action = manager.enumeration('path_with_escaped_slashes_action', 'IMPLEMENTATION_SPECIFIC_DEFAULT')
  if (action === 'UNESCAPE_AND_REDIRECT' || action === 'UNESCAPE_AND_FORWARD')
    manager.fault('path_with_escaped_slashes_action', `${action} is unsupported by this proxy`)
  const escapedSlashes = action === 'REJECT_REQUEST' ? 'reject' : 'keep'
  if (!isNormalized && !mergesSlashes && escapedSlashes === 'keep') return undefined
  return { isNormalized, mergesSlashes, escapedSlashes }
}

/** What it tells the application of callers is this proxy's own rule: what they say of themselves is taken out. */
function readCallerRules(manager: FieldReader): void {
  const details = manager.enumeration('forward_client_cert_details', 'SANITIZE')
  if (details !== 'SANITIZE' && details !== 'SANITIZE_SET')
    manager.fault('forward_client_cert_details', `${details} is unsupported by this proxy`)
  manager.ignore('set_current_client_cert_details')
}

function readRoutes(manager: FieldReader): ListenerTarget | undefined {
  const rds = manager.message('rds')
  const inline = manager.message('route_config')
  if (inline) return { type: 'routes', routes: { type: 'inline', configuration: readRouteConfiguration(inline) } }
  if (!rds) {
    manager.fault('', 'has neither rds nor route_config')
    return undefined
  }
  readConfigSource(rds.message('config_source'))
  const name = rds.string('route_config_name')
  if (name === '') rds.fault('route_config_name', 'is empty')
  return { type: 'routes', routes: { type: 'rds', name } }
}

/** Without `target` a fault was told. */
export interface ManagerContent {
  target: ListenerTarget | undefined
  filters: HttpFilters
  paths?: PathRules
}

export function readManager(manager: FieldReader): ManagerContent {
  const codec = manager.enumeration('codec_type', 'AUTO')
  if (codec !== 'AUTO' && codec !== 'HTTP1') manager.fault('codec_type', `${codec} is unsupported by this proxy`)
  const filters = readHttpFilters(manager)
  const paths = readPathRules(manager)
  readCallerRules(manager)
  readUpgrades(manager)
  readCommonProtocolOptions(manager.message('common_http_protocol_options'))
  return { target: readRoutes(manager), filters, ...(paths ? { paths } : {}) }
}
