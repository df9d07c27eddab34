/**
 * Where opaque bytes go → envoy.config.listener.v3.FilterChain with a TCP proxy. Datagrams stand there as well, which no
 * Envoy would take: listeners of UDP are for our own proxy.
 */
import { create } from '@bufbuild/protobuf'
import type { StreamBackend, StreamRoute } from '#/model/listener.ts'
import { type FilterChain, FilterChainSchema } from '#/xds/proto/envoy/config/listener/v3/listener_components_pb.ts'
import { TcpProxySchema } from '#/xds/proto/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts'
import { type InitOf, packAny } from './any.ts'
import { networkAccess } from './rbac.ts'
import { invalidBackendCluster } from './route-action.ts'
import { ruleFacts } from './rule-facts.ts'
import { weftMetadata } from './weft-metadata.ts'

function clusterOf(backend: StreamBackend): string {
  return backend.type === 'cluster' ? backend.cluster : invalidBackendCluster
}

/** Envoy knows no weight of 0 here; connections to a cluster that is not there are closed. */
function clusterSpecifier(backends: readonly StreamBackend[]): InitOf<typeof TcpProxySchema> {
  const shared = backends.filter(({ weight }) => weight > 0)
  const [only] = shared
  if (only && shared.length === 1) return { clusterSpecifier: { case: 'cluster', value: clusterOf(only) } }
  const clusters = shared.map((backend) => ({ name: clusterOf(backend), weight: backend.weight }))
  return { clusterSpecifier: { case: 'weightedClusters', value: { clusters } } }
}

export function streamChain(stream: StreamRoute): FilterChain {
  const { name, serverNames, port, backends, access, rule } = stream
  const proxy = create(TcpProxySchema, { statPrefix: name, ...clusterSpecifier(backends) })
  const metadata = weftMetadata(ruleFacts(rule))
  const isMatched = serverNames.length > 0 || port !== undefined
  return create(FilterChainSchema, {
    name,
    ...(isMatched
      ? {
          filterChainMatch: {
            serverNames: [...serverNames],
            ...(port === undefined ? {} : { destinationPort: port }),
          },
        }
      : {}),
    filters: [
      ...(access ? networkAccess(access, name) : []),
      {
        name: 'envoy.filters.network.tcp_proxy',
        configType: { case: 'typedConfig', value: packAny(TcpProxySchema, proxy) },
      },
    ],
    ...(metadata ? { metadata } : {}),
  })
}
