/** Listener → envoy.config.listener.v3.Listener. */
import { create, type DescMessage, toBinary } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import type { Listener, RouteSource } from '#/model/listener.ts'
import type { PathRules } from '#/model/path-rules.ts'
import { TrafficDirection } from '#/xds/proto/envoy/config/core/v3/base_pb.ts'
import { type FilterChain, FilterChainSchema } from '#/xds/proto/envoy/config/listener/v3/listener_components_pb.ts'
import { ListenerSchema } from '#/xds/proto/envoy/config/listener/v3/listener_pb.ts'
import { CorsSchema } from '#/xds/proto/envoy/extensions/filters/http/cors/v3/cors_pb.ts'
import { RouterSchema } from '#/xds/proto/envoy/extensions/filters/http/router/v3/router_pb.ts'
import { HttpInspectorSchema } from '#/xds/proto/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.ts'
import { OriginalDstSchema } from '#/xds/proto/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.ts'
import { ProxyProtocolSchema } from '#/xds/proto/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.ts'
import { TlsInspectorSchema } from '#/xds/proto/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts'
import type { HttpConnectionManager } from '#/xds/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import {
  HttpConnectionManager_ForwardClientCertDetails,
  HttpConnectionManager_PathWithEscapedSlashesAction,
  HttpConnectionManager_ServerHeaderTransformation,
  HttpConnectionManagerSchema,
} from '#/xds/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import type { Encode } from '../resource.ts'
import { addressOf, adsSource, durationOf, packAny } from './any.ts'
import { httpFiltersOf } from './http-filter.ts'
import { meshChains, mutualTlsFacts } from './mesh-chain.ts'
import { routeMessage } from './route.ts'
import { streamChain } from './stream-chain.ts'
import { serverSocket } from './transport-socket.ts'
import { weftMetadata } from './weft-metadata.ts'

/** The application learns who called from the proxy alone. */
const callerOptions = {
  forwardClientCertDetails: HttpConnectionManager_ForwardClientCertDetails.SANITIZE_SET,
  setCurrentClientCertDetails: { uri: true },
} as const

function pathOptions({ isNormalized, mergesSlashes, escapedSlashes }: PathRules) {
  return {
    normalizePath: isNormalized,
    mergeSlashes: mergesSlashes,
    pathWithEscapedSlashesAction:
      HttpConnectionManager_PathWithEscapedSlashesAction[
        escapedSlashes === 'reject' ? 'REJECT_REQUEST' : 'KEEP_UNCHANGED'
      ],
  }
}

/** What Envoy would do unasked and Gateway API does not want: new request ids, an idle limit on streams, a server header. */
function connectionManager(
  { name, filters = {}, paths, mutualTls }: Listener,
  routes: RouteSource,
): HttpConnectionManager {
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
      ...httpFiltersOf(filters),
      {
        name: 'envoy.filters.http.router',
        configType: { case: 'typedConfig', value: packAny(RouterSchema, create(RouterSchema)) },
      },
    ],
    ...(mutualTls ? callerOptions : {}),
    ...(paths ? pathOptions(paths) : {}),
    preserveExternalRequestId: true,
    streamIdleTimeout: durationOf(0),
    serverHeaderTransformation: HttpConnectionManager_ServerHeaderTransformation.PASS_THROUGH,
    httpProtocolOptions: { acceptHttp10: true, enableTrailers: true },
    http2ProtocolOptions: { allowConnect: true },
    upgradeConfigs: [{ upgradeType: 'websocket' }],
  })
}

/** A gRPC client takes an ApiListener with the router alone. */
function apiManager(listener: Listener, routes: RouteSource): HttpConnectionManager {
  const manager = connectionManager(listener, routes)
  manager.httpFilters = manager.httpFilters.slice(-1)
  return manager
}

/** What Envoy has to look at before it can choose a chain. */
function listenerFilters({ protocol, isRedirected, acceptsProxyProtocol, mutualTls }: Listener) {
  const filter = <T extends DescMessage>(name: string, schema: T) => ({
    name: `envoy.filters.listener.${name}`,
    configType: { case: 'typedConfig' as const, value: packAny(schema, create(schema)) },
  })
  return [
    ...(acceptsProxyProtocol ? [filter('proxy_protocol', ProxyProtocolSchema)] : []),
    ...(isRedirected ? [filter('original_dst', OriginalDstSchema)] : []),
    ...(protocol === 'tls' || protocol === 'auto' || mutualTls ? [filter('tls_inspector', TlsInspectorSchema)] : []),
    ...(protocol === 'auto' ? [filter('http_inspector', HttpInspectorSchema)] : []),
  ]
}

/** Where nobody speaks, Envoy goes on after this time as our proxy does (docs/decisions/0007-protocols.md), ms. */
const detectTimeoutMs = 200

/** Beside streams the chain of requests asks for HTTP. */
function requestChain(listener: Listener, manager: Any): FilterChain {
  const filter = {
    name: 'envoy.filters.network.http_connection_manager',
    configType: { case: 'typedConfig' as const, value: manager },
  }
  const match = { applicationProtocols: ['http/1.0', 'http/1.1', 'h2c'] }
  return create(FilterChainSchema, {
    name: listener.name,
    filters: [filter],
    ...(listener.streams?.length ? { filterChainMatch: match } : {}),
  })
}

export const encodeListener: Encode<Listener> = (listener) => {
  const { name, address, direction, target, protocol, streams = [] } = listener
  const metadata = weftMetadata({
    direction,
    on_demand: target.type === 'on-demand',
    refuses_unknown: target.type === 'on-demand' && target.refusesUnknown,
    redirected: listener.isRedirected,
    lazy: listener.isLazy,
    protocol: protocol === 'http' ? undefined : protocol,
    ...mutualTlsFacts(listener),
  })
  const manager =
    target.type === 'routes' ? (address ? connectionManager : apiManager)(listener, target.routes) : undefined
  const typedManager = manager ? packAny(HttpConnectionManagerSchema, manager) : undefined
  const filterChains = meshChains(listener, {
    requests: address && typedManager ? requestChain(listener, typedManager) : undefined,
    streams: streams.map(streamChain),
  })
  if (listener.tls) for (const chain of filterChains) chain.transportSocket = serverSocket(listener.tls)
  return toBinary(
    ListenerSchema,
    create(ListenerSchema, {
      name,
      ...(metadata ? { metadata } : {}),
      trafficDirection: direction === 'inbound' ? TrafficDirection.INBOUND : TrafficDirection.OUTBOUND,
      ...(address ? { address: addressOf(address, protocol === 'udp') } : {}),
      filterChains,
      ...(!address && typedManager ? { apiListener: { apiListener: typedManager } } : {}),
      listenerFilters: listenerFilters(listener),
      ...(protocol === 'auto'
        ? { listenerFiltersTimeout: durationOf(detectTimeoutMs), continueOnListenerFiltersTimeout: true }
        : {}),
    }),
  )
}
