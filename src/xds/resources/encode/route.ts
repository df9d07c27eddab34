/** RouteConfiguration → envoy.config.route.v3.RouteConfiguration. */
import { create, toBinary } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Route, RouteConfiguration, VirtualHost } from '#/model/route.ts'
import { type Route as RouteMessage, RouteSchema } from '#/xds/proto/envoy/config/route/v3/route_components_pb.ts'
import {
  type RouteConfiguration as RouteConfigurationMessage,
  RouteConfigurationSchema,
} from '#/xds/proto/envoy/config/route/v3/route_pb.ts'
import { CorsPolicySchema } from '#/xds/proto/envoy/extensions/filters/http/cors/v3/cors_pb.ts'
import type { Encode } from '../resource.ts'
import { packAny } from './any.ts'
import { mutationFields } from './header-mutation.ts'
import { routeFiltersOf } from './http-filter.ts'
import { actionOf } from './route-action.ts'
import { matchOf, wildcardRegex } from './route-match.ts'
import { ruleFacts } from './rule-facts.ts'
import { weftMetadata } from './weft-metadata.ts'

function corsConfig({ cors }: Route): Record<string, Any> {
  if (!cors) return {}
  const policy = create(CorsPolicySchema, {
    allowOriginStringMatch: cors.allowOrigins.map((origin) =>
      origin !== '*' && origin.includes('*')
        ? { matchPattern: { case: 'safeRegex' as const, value: { regex: wildcardRegex(origin) } } }
        : { matchPattern: { case: 'exact' as const, value: origin } },
    ),
    allowMethods: cors.allowMethods.join(','),
    allowHeaders: cors.allowHeaders.join(','),
    exposeHeaders: cors.exposeHeaders.join(','),
    maxAge: cors.maxAgeSeconds > 0 ? String(cors.maxAgeSeconds) : '',
    allowCredentials: cors.allowCredentials,
  })
  return { 'envoy.filters.http.cors': packAny(CorsPolicySchema, policy) }
}

/** What Envoy's form of a route can't tell back: our proxy takes these from the metadata. */
function hints(route: Route): Record<string, string | undefined> {
  const { action, cors } = route
  const path = action.type === 'forward' ? action.rewrite?.path : action.type === 'redirect' ? action.path : undefined
  return {
    rewrite: path && path.type !== 'regex' ? `${path.type} ${path.value}` : undefined,
    cors_origins: cors?.allowOrigins.some((origin) => origin.includes('*')) ? cors.allowOrigins.join(' ') : undefined,
  }
}

function routeOf(route: Route): RouteMessage {
  const { rule } = route
  const metadata = weftMetadata({ ...ruleFacts(rule), ...hints(route) })
  return create(RouteSchema, {
    name: route.name,
    match: matchOf(route.match),
    action: actionOf(route),
    ...(metadata ? { metadata } : {}),
    ...mutationFields(route.requestHeaders, route.responseHeaders),
    typedPerFilterConfig: { ...corsConfig(route), ...routeFiltersOf(route.filters ?? {}) },
  })
}

function virtualHostOf(host: VirtualHost) {
  return { name: host.name, domains: [...host.domains], routes: host.routes.map(routeOf) }
}

export function routeMessage(configuration: RouteConfiguration): RouteConfigurationMessage {
  return create(RouteConfigurationSchema, {
    name: configuration.name,
    virtualHosts: configuration.virtualHosts.map(virtualHostOf),
  })
}

export const encodeRoute: Encode<RouteConfiguration> = (configuration) =>
  toBinary(RouteConfigurationSchema, routeMessage(configuration))
