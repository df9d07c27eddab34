/** envoy.config.route.v3.RouteConfiguration → RouteConfiguration. */
import type { HttpFilters } from '#/model/http-filter.ts'
import type { CorsPolicy, Route, RouteConfiguration, RouteMatch, VirtualHost } from '#/model/route.ts'
import type { FieldReader } from './field-reader.ts'
import { readMutation } from './header-mutation.ts'
import { findRouteFilter } from './http-filter.ts'
import { factText, readRule, readWeftMetadata, type WeftFacts } from './part.ts'
import { readAction } from './route-action.ts'
import { readMatch, readStringMatch } from './route-match.ts'

const corsType = 'envoy.extensions.filters.http.cors.v3.CorsPolicy'

const listOf = (text: string): string[] => (text === '' ? [] : text.split(',').map((part) => part.trim()))

function readCors(reader: FieldReader, facts: WeftFacts): CorsPolicy {
  const hinted = factText(facts, 'cors_origins')
  const matches = reader.messages('allow_origin_string_match').map((match) => readStringMatch(match))
  if (hinted === '') {
    for (const match of matches)
      if (match && match.type !== 'exact')
        reader.fault('allow_origin_string_match', `${match.type} is unsupported by this proxy`)
  }
  const policy: CorsPolicy = {
    allowOrigins: hinted === '' ? matches.map((match) => match?.value ?? '') : hinted.split(' '),
    allowMethods: listOf(reader.string('allow_methods')),
    allowHeaders: listOf(reader.string('allow_headers')),
    exposeHeaders: listOf(reader.string('expose_headers')),
    allowCredentials: reader.wrappedBoolean('allow_credentials') ?? false,
    maxAgeSeconds: Number(reader.string('max_age') || '0'),
  }
  return policy
}

interface FilterConfig {
  cors?: CorsPolicy
  filters?: HttpFilters
}

function readFilterConfig(reader: FieldReader, facts: WeftFacts): FilterConfig {
  const found: FilterConfig = {}
  for (const [name, config] of reader.map('typed_per_filter_config')) {
    const any = config.asAny()
    const decoder = findRouteFilter(any.typeName)
    if (any.typeName === corsType) found.cors = readCors(any.open(corsType), facts)
    else if (decoder) {
      found.filters ??= {}
      decoder.readRoute(any.open(any.typeName), found.filters)
    } else config.fault('', `configuration of filter ${name} (${any.typeName}) is unsupported by this proxy`)
  }
  return found
}

/** `/` is the same prefix by characters and by segments; what replaces it is not, and our control plane means segments. */
function withSegments(match: RouteMatch, facts: WeftFacts): RouteMatch {
  const isRoot = match.path.type === 'prefix' && match.path.value === '/'
  if (!isRoot || !factText(facts, 'rewrite').startsWith('prefix ')) return match
  return { ...match, path: { type: 'segment-prefix', value: '/' } }
}

function readRoute(reader: FieldReader, position: number): Route {
  const facts = readWeftMetadata(reader)
  const name = reader.string('name') || `route ${position}`
  const match = withSegments(readMatch(reader.message('match') ?? reader, reader.has('match')), facts)
  const action = readAction(reader, facts)
  const requestHeaders = readMutation(reader, 'request')
  const responseHeaders = readMutation(reader, 'response')
  const filterConfig = readFilterConfig(reader, facts)
  const rule = readRule(facts)
  return {
    name,
    match,
    action,
    ...(requestHeaders ? { requestHeaders } : {}),
    ...(responseHeaders ? { responseHeaders } : {}),
    ...filterConfig,
    ...(rule ? { rule } : {}),
  }
}

function readVirtualHost(reader: FieldReader): VirtualHost {
  const name = reader.string('name')
  const domains = reader.strings('domains')
  if (domains.length === 0) reader.fault('domains', 'is empty')
  const routes = reader.messages('routes').map((route, index) => readRoute(route, index))
  readFilterConfig(reader, new Map())
  return { name, domains, routes }
}

export function readRouteConfiguration(reader: FieldReader): RouteConfiguration {
  const name = reader.string('name')
  const virtualHosts = reader.messages('virtual_hosts').map(readVirtualHost)
  const seen = new Set<string>()
  for (const domain of virtualHosts.flatMap(({ domains }) => domains)) {
    if (seen.has(domain)) reader.fault('virtual_hosts', `domain ${domain} stands there twice`)
    seen.add(domain)
  }
  return { name, virtualHosts }
}
