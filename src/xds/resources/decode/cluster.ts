/** envoy.config.cluster.v3.Cluster → Cluster. */
import type { Cluster, ClusterDiscovery } from '#/model/cluster.ts'
import { readAssignment } from './assignment.ts'
import { readBalancing } from './cluster-balancing.ts'
import { readBreaking } from './cluster-breaking.ts'
import type { FieldReader } from './field-reader.ts'
import { factText, readCommonProtocolOptions, readConfigSource, readWeftMetadata, type WeftFacts } from './part.ts'
import { readClientSocket } from './transport-socket.ts'

/** Envoy's default (Cluster.connect_timeout), ms. */
const defaultConnectTimeoutMs = 5000
const dynamicClusterType = 'envoy.clusters.dynamic_forward_proxy'
const protocolOptionsType = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions'

function readCustomType(custom: FieldReader): ClusterDiscovery | undefined {
  const kind = custom.string('name')
  if (kind === dynamicClusterType) {
    // Only DNS settings stand there; this proxy asks the system's resolver.
    custom.ignore('typed_config')
    return { type: 'dynamic' }
  }
  custom.skip()
  custom.fault('name', `cluster type ${kind} is unsupported by this proxy`)
  return undefined
}

function readDiscovery(reader: FieldReader, name: string): ClusterDiscovery | undefined {
  const eds = reader.message('eds_cluster_config')
  if (eds) readConfigSource(eds.message('eds_config'))
  const serviceName = eds?.string('service_name') || name
  const inline = reader.message('load_assignment')
  const endpoints = inline ? readAssignment(inline).endpoints : []
  const custom = reader.message('cluster_type')
  if (custom) return readCustomType(custom)
  const type = reader.enumeration('type', 'STATIC')
  if (type === 'EDS') return { type: 'eds', serviceName }
  if (type === 'STATIC') return { type: 'static', endpoints }
  if (type === 'STRICT_DNS' || type === 'LOGICAL_DNS') return { type: 'dns', endpoints }
  if (type === 'ORIGINAL_DST') return { type: 'original-destination' }
  reader.fault('type', `${type} is unsupported by this proxy`)
  return undefined
}

function readProtocol(reader: FieldReader): Cluster['protocol'] {
  readCommonProtocolOptions(reader.message('common_http_protocol_options'))
  // Its old place; the limits in it are ours to set.
  let protocol: Cluster['protocol'] = reader.has('http2_protocol_options') ? 'http2' : 'http1'
  reader.ignore('http2_protocol_options')
  for (const [key, any] of reader.map('typed_extension_protocol_options')) {
    if (key !== protocolOptionsType) any.fault('', 'unsupported by this proxy')
    if (key !== protocolOptionsType) any.skip()
    else protocol = readProtocolOptions(any.asAny().open(protocolOptionsType)) ?? protocol
  }
  return protocol
}

/** @returns undefined when a fault was told. */
function readProtocolOptions(options: FieldReader): Cluster['protocol'] | undefined {
  readCommonProtocolOptions(options.message('common_http_protocol_options'))
  const downstream = options.message('use_downstream_protocol_config')
  if (downstream) {
    downstream.skip()
    return 'downstream'
  }
  const auto = options.message('auto_config')
  if (auto) {
    // ALPN decides; who picks nothing speaks HTTP/1.1.
    auto.skip()
    return 'http1'
  }
  const explicit = options.message('explicit_http_config')
  if (!explicit) {
    options.fault(
      '',
      'only explicit_http_config, auto_config and use_downstream_protocol_config are supported by this proxy',
    )
    return undefined
  }
  explicit.message('http_protocol_options')
  const http2 = explicit.message('http2_protocol_options')
  http2?.skip()
  return http2 ? 'http2' : 'http1'
}

function serviceOf(facts: WeftFacts): Cluster['service'] {
  const port = facts.get('port')
  if (typeof port !== 'number') return undefined
  return {
    namespace: factText(facts, 'namespace'),
    name: factText(facts, 'service'),
    host: factText(facts, 'host'),
    port,
  }
}

export function readCluster(reader: FieldReader): Cluster {
  const name = reader.string('name')
  const discovery = readDiscovery(reader, name) ?? { type: 'static', endpoints: [] }
  const loadBalancing = readBalancing(reader, discovery)
  const protocol = readProtocol(reader)
  const facts = readWeftMetadata(reader)
  const service = serviceOf(facts)
  const breaking = readBreaking(reader)
  const transport = readClientSocket(reader.message('transport_socket'))
  const connectTimeoutMs = reader.durationMs('connect_timeout') ?? defaultConnectTimeoutMs
  if (connectTimeoutMs === 0) reader.fault('connect_timeout', 'must be above 0')
  return {
    name,
    discovery,
    // What Envoy has no name for goes beside what comes nearest.
    loadBalancing: facts.get('load_balancing') === 'peak-ewma' ? 'peak-ewma' : loadBalancing,
    connectTimeoutMs,
    protocol,
    ...transport,
    ...breaking,
    ...(service ? { service } : {}),
  }
}
