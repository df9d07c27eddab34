/** envoy.config.cluster.v3.Cluster → Cluster. */
import type { Cluster, ClusterDiscovery, LoadBalancing } from '#/model/cluster.ts'
import { readAssignment } from './assignment.ts'
import type { FieldReader } from './field-reader.ts'
import { factText, readConfigSource, readWeftMetadata } from './part.ts'

const policies: Readonly<Record<string, LoadBalancing>> = {
  ROUND_ROBIN: 'round-robin',
  LEAST_REQUEST: 'least-request',
  RANDOM: 'random',
  CLUSTER_PROVIDED: 'round-robin',
  LOAD_BALANCING_POLICY_CONFIG: 'round-robin',
}

const policyTypes: Readonly<Record<string, LoadBalancing>> = {
  'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin': 'round-robin',
  'envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest': 'least-request',
  'envoy.extensions.load_balancing_policies.random.v3.Random': 'random',
}

/** Envoy's default connect timeout, ms (Cluster.connect_timeout). */
const connectTimeoutMs = 5000

function readDiscovery(reader: FieldReader, name: string): ClusterDiscovery | undefined {
  const eds = reader.message('eds_cluster_config')
  readConfigSource(eds?.message('eds_config'))
  const serviceName = eds?.string('service_name') || name
  const inline = reader.message('load_assignment')
  const endpoints = inline ? readAssignment(inline).endpoints : []
  const custom = reader.message('cluster_type')
  if (custom) {
    const kind = custom.string('name')
    custom.ignore('typed_config')
    if (kind === 'envoy.clusters.dynamic_forward_proxy') return { type: 'dynamic' }
    custom.fault('name', `cluster type ${kind} is unsupported by this proxy`)
    return undefined
  }
  const type = reader.enumeration('type', 'STATIC')
  if (type === 'EDS') return { type: 'eds', serviceName }
  if (type === 'STATIC') return { type: 'static', endpoints }
  if (type === 'STRICT_DNS' || type === 'LOGICAL_DNS') return { type: 'dns', endpoints }
  if (type === 'ORIGINAL_DST') return { type: 'original-destination' }
  reader.fault('type', `${type} is unsupported by this proxy`)
  return undefined
}

function readBalancing(reader: FieldReader): LoadBalancing {
  const policy = reader.message('load_balancing_policy')
  const classic = reader.enumeration('lb_policy', 'ROUND_ROBIN')
  reader.ignore('least_request_lb_config', 'round_robin_lb_config')
  if (policy) {
    for (const entry of policy.messages('policies')) {
      const typed = entry.message('typed_extension_config')?.any('typed_config')
      const known = typed && policyTypes[typed.typeName]
      if (known) return known
    }
    policy.fault('policies', 'none of them is supported by this proxy')
  }
  const known = policies[classic]
  if (!known) reader.fault('lb_policy', `${classic} is unsupported by this proxy`)
  return known ?? 'round-robin'
}

function readProtocol(reader: FieldReader): Cluster['protocol'] {
  let protocol: Cluster['protocol'] = reader.has('http2_protocol_options') ? 'http2' : 'http1'
  reader.ignore('http2_protocol_options')
  const options = reader.map('typed_extension_protocol_options')
  for (const [key, any] of options) {
    if (key !== 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions') continue
    protocol = anyProtocol(any)
  }
  return protocol
}

function anyProtocol(any: FieldReader): Cluster['protocol'] {
  const options = any.asAny().open('envoy.extensions.upstreams.http.v3.HttpProtocolOptions')
  const explicit = options.message('explicit_http_config')
  if (!explicit) options.fault('', 'only explicit_http_config is supported by this proxy')
  return explicit?.has('http2_protocol_options') ? 'http2' : 'http1'
}

function serviceOf(reader: FieldReader): Cluster['service'] {
  const facts = readWeftMetadata(reader)
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
  const loadBalancing = readBalancing(reader)
  const protocol = readProtocol(reader)
  if (protocol === 'http2')
    reader.fault('typed_extension_protocol_options', 'HTTP/2 to endpoints is unsupported by this proxy')
  const service = serviceOf(reader)
  const timeout = reader.durationMs('connect_timeout') ?? connectTimeoutMs
  if (timeout <= 0) reader.fault('connect_timeout', 'must be above 0')
  reader.finish()
  return { name, discovery, loadBalancing, connectTimeoutMs: timeout, protocol, ...(service ? { service } : {}) }
}
