/** Listener → envoy.config.listener.v3.Listener. */
import { create, toBinary } from '@bufbuild/protobuf'
import type { Listener, RouteSource } from '#/model/listener.ts'
import { TrafficDirection } from '#/xds/proto/envoy/config/core/v3/base_pb.ts'
import { ListenerSchema } from '#/xds/proto/envoy/config/listener/v3/listener_pb.ts'
import { CorsSchema } from '#/xds/proto/envoy/extensions/filters/http/cors/v3/cors_pb.ts'
import { RouterSchema } from '#/xds/proto/envoy/extensions/filters/http/router/v3/router_pb.ts'
import { OriginalDstSchema } from '#/xds/proto/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.ts'
import type { HttpConnectionManager } from '#/xds/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import {
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManagerSchema,
} from '#/xds/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import type { Encode } from '../resource.ts'
import { addressOf, adsSource, durationOf, packAny } from './any.ts'
import { routeMessage } from './route.ts'
import { weftMetadata } from './weft-metadata.ts'

/** What Envoy would do unasked and Gateway API does not want: new request ids, an idle limit on streams, a server header. */
function connectionManager(name: string, routes: RouteSource): HttpConnectionManager {
  return create(HttpConnectionManagerSchema, {
    statPrefix: name,
    routeSpecifier:
      routes.type === 'rds'
        ? { case: 'rds', value: { configSource: adsSource(), routeConfigName: routes.name } }
        : { case: 'routeConfig', value: routeMessage(routes.configuration) },
    httpFilters: [
      {
        name: 'envoy.filters.http.cors',
        configType: { case: 'typedConfig', value: packAny(CorsSchema, create(CorsSchema)) },
      },
      {
        name: 'envoy.filters.http.router',
        configType: { case: 'typedConfig', value: packAny(RouterSchema, create(RouterSchema)) },
      },
    ],
    preserveExternalRequestId: true,
    streamIdleTimeout: durationOf(0),
    serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH,
    httpProtocolOptions: { acceptHttp10: true, enableTrailers: true },
    upgradeConfigs: [{ upgradeType: 'websocket' }],
  })
}

/** A gRPC client takes an ApiListener with the router alone. */
function apiManager(name: string, routes: RouteSource): HttpConnectionManager {
  const manager = connectionManager(name, routes)
  manager.httpFilters = manager.httpFilters.slice(-1)
  return manager
}

export const encodeListener: Encode<Listener> = (listener) => {
  const { name, address, direction, target } = listener
  const metadata = weftMetadata({
    direction,
    on_demand: target.type === 'on-demand',
    redirected: listener.isRedirected,
    lazy: listener.isLazy,
  })
  const manager = target.type === 'routes' ? (address ? connectionManager : apiManager)(name, target.routes) : undefined
  const typedManager = manager ? packAny(HttpConnectionManagerSchema, manager) : undefined
  const filter = {
    name: 'envoy.filters.network.http_connection_manager',
    configType: { case: 'typedConfig' as const, value: typedManager! },
  }
  const originalDst = {
    name: 'envoy.filters.listener.original_dst',
    configType: { case: 'typedConfig' as const, value: packAny(OriginalDstSchema, create(OriginalDstSchema)) },
  }
  return toBinary(
    ListenerSchema,
    create(ListenerSchema, {
      name,
      ...(metadata ? { metadata } : {}),
      trafficDirection: direction === 'inbound' ? TrafficDirection.INBOUND : TrafficDirection.OUTBOUND,
      ...(address ? { address: addressOf(address) } : {}),
      ...(address && typedManager ? { filterChains: [{ filters: [filter] }] } : {}),
      ...(!address && typedManager ? { apiListener: { apiListener: typedManager } } : {}),
      ...(listener.isRedirected ? { listenerFilters: [originalDst] } : {}),
    }),
  )
}
