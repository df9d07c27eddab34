/** Cluster → envoy.config.cluster.v3.Cluster. */
import { create, toBinary } from '@bufbuild/protobuf'
import type { Cluster } from '#/model/cluster.ts'
import type { ClientTls } from '#/model/tls.ts'
import {
  Cluster_DiscoveryType,
  Cluster_DnsLookupFamily,
  Cluster_LbPolicy,
  ClusterSchema,
} from '#/xds/proto/envoy/config/cluster/v3/cluster_pb.ts'
import { ClusterConfigSchema } from '#/xds/proto/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.ts'
import { HttpProtocolOptionsSchema } from '#/xds/proto/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts'
import type { Encode } from '../resource.ts'
import { adsSource, durationOf, type InitOf, packAny } from './any.ts'
import { assignmentMessage, meshTransportMatch } from './assignment.ts'
import { breakingOf } from './cluster-breaking.ts'
import { clientSocket, tlsToEndpoint } from './transport-socket.ts'
import { weftMetadata } from './weft-metadata.ts'

const lbPolicy = {
  'round-robin': Cluster_LbPolicy.ROUND_ROBIN,
  'least-request': Cluster_LbPolicy.LEAST_REQUEST,
  random: Cluster_LbPolicy.RANDOM,
  // Envoy has none that goes by time; ours reads the metadata.
  'peak-ewma': Cluster_LbPolicy.LEAST_REQUEST,
  'ring-hash': Cluster_LbPolicy.RING_HASH,
  maglev: Cluster_LbPolicy.MAGLEV,
} as const

type Init = InitOf<typeof ClusterSchema>

/** One for cluster and filter: Envoy asks that they have the same. */
export const dnsCache = { name: 'dynamic', dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED } as const

function discovery(cluster: Cluster): Init {
  const { discovery: found, name } = cluster
  switch (found.type) {
    case 'eds':
      return {
        clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
        edsClusterConfig: { edsConfig: adsSource(), serviceName: found.serviceName === name ? '' : found.serviceName },
      }
    case 'static':
    case 'dns':
      return {
        clusterDiscoveryType: {
          case: 'type',
          value: found.type === 'dns' ? Cluster_DiscoveryType.STRICT_DNS : Cluster_DiscoveryType.STATIC,
        },
        loadAssignment: assignmentMessage({ name, endpoints: found.endpoints }),
        // Envoy's default asks for IPv6 first, and leaves it at that where only the other one is answered at.
        ...(found.type === 'dns' ? { dnsLookupFamily: Cluster_DnsLookupFamily.V4_PREFERRED } : {}),
      }
    case 'original-destination':
      return {
        clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.ORIGINAL_DST },
        lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
      }
    case 'dynamic': {
      const config = create(ClusterConfigSchema, {
        clusterImplementationSpecifier: { case: 'dnsCacheConfig', value: dnsCache },
        // Names are checked where there is TLS: those that the cluster says, not each request's own.
        allowInsecureClusterOptions: true,
      })
      return {
        clusterDiscoveryType: {
          case: 'clusterType',
          value: { name: 'envoy.clusters.dynamic_forward_proxy', typedConfig: packAny(ClusterConfigSchema, config) },
        },
        lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
      }
    }
  }
}

/** Envoy drops trailers of HTTP/1 unless told otherwise. */
const http1Options = { enableTrailers: true }
/** WebSocket over HTTP/2 (RFC 8441). */
const http2Options = { allowConnect: true }

function upstreamProtocol({ protocol, tls }: Cluster): InitOf<typeof HttpProtocolOptionsSchema> {
  if (tls?.alpn.includes('h2') && tls.alpn.includes('http/1.1')) {
    const value = { httpProtocolOptions: http1Options, http2ProtocolOptions: http2Options }
    return { upstreamProtocolOptions: { case: 'autoConfig', value } }
  }
  if (protocol === 'downstream') {
    const value = { httpProtocolOptions: http1Options, http2ProtocolOptions: http2Options }
    return { upstreamProtocolOptions: { case: 'useDownstreamProtocolConfig', value } }
  }
  const protocolConfig =
    protocol === 'http1'
      ? { case: 'httpProtocolOptions' as const, value: http1Options }
      : { case: 'http2ProtocolOptions' as const, value: http2Options }
  return { upstreamProtocolOptions: { case: 'explicitHttpConfig', value: { protocolConfig } } }
}

/** Where a dynamic cluster names nobody each request's host is who has to answer. */
function namesEachHost({ discovery: { type }, tls }: Cluster): boolean {
  return type === 'dynamic' && tls?.serverName === '' && !tls.subjectNames
}

function protocolOptions(cluster: Cluster): Init {
  const options = create(HttpProtocolOptionsSchema, {
    ...upstreamProtocol(cluster),
    ...(namesEachHost(cluster) ? { upstreamHttpProtocolOptions: { autoSni: true, autoSanValidation: true } } : {}),
  })
  const key = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'
  return { typedExtensionProtocolOptions: { [key]: packAny(HttpProtocolOptionsSchema, options) } }
}

/** Endpoints that it does not fit are called in plain text. */
function meshSocket(tls: ClientTls) {
  return { name: 'mesh', match: { ...meshTransportMatch }, transportSocket: tlsToEndpoint(tls) }
}

export const encodeCluster: Encode<Cluster> = (cluster) => {
  const { name, service } = cluster
  const transportSocket = clientSocket(cluster)
  const metadata = weftMetadata({
    namespace: service?.namespace,
    service: service?.name,
    host: service?.host,
    port: service?.port,
    load_balancing: cluster.loadBalancing === 'peak-ewma' ? 'peak-ewma' : undefined,
  })
  const init: Init = {
    name,
    connectTimeout: durationOf(cluster.connectTimeoutMs),
    lbPolicy: lbPolicy[cluster.loadBalancing],
    ...discovery(cluster),
    ...protocolOptions(cluster),
    ...breakingOf(cluster),
    ...(transportSocket ? { transportSocket } : {}),
    ...(cluster.meshTls ? { transportSocketMatches: [meshSocket(cluster.meshTls)] } : {}),
    ...(metadata ? { metadata } : {}),
  }
  return toBinary(ClusterSchema, create(ClusterSchema, init))
}
