/** envoy.config.endpoint.v3.ClusterLoadAssignment → LoadAssignment. Localities are one list; priorities above 0 are refused. */
import type { Endpoint, EndpointHealth, LoadAssignment } from '#/model/endpoint.ts'
import type { FieldReader } from './field-reader.ts'
import { factText, readAddress, readWeftMetadata, type WeftFacts } from './part.ts'

const healthOf: Readonly<Record<string, EndpointHealth>> = {
  UNKNOWN: 'healthy',
  HEALTHY: 'healthy',
  DEGRADED: 'healthy',
  DRAINING: 'draining',
  UNHEALTHY: 'unhealthy',
  TIMEOUT: 'unhealthy',
}

function workloadOf(facts: WeftFacts): Endpoint['workload'] {
  if (!facts.has('workload') && !facts.has('pod')) return undefined
  return {
    namespace: factText(facts, 'namespace'),
    workload: factText(facts, 'workload'),
    pod: factText(facts, 'pod'),
    serviceAccount: factText(facts, 'service_account'),
    app: factText(facts, 'app'),
    version: factText(facts, 'version'),
  }
}

function readEndpoint(reader: FieldReader): Endpoint | undefined {
  const facts = readWeftMetadata(reader)
  const inner = reader.message('endpoint')
  const address = inner && readAddress(inner.message('address'))
  if (!inner) reader.fault('endpoint', 'is missing')
  const health = healthOf[reader.enumeration('health_status', 'UNKNOWN')]
  if (!health) reader.fault('health_status', 'is unknown to this proxy')
  const weight = reader.wrappedNumber('load_balancing_weight') ?? 1
  if (weight < 1) reader.fault('load_balancing_weight', 'must be 1 or more')
  if (!address || !health) return undefined
  const workload = workloadOf(facts)
  const spiffeId = factText(facts, 'spiffe_id')
  return {
    address: address.host,
    port: address.port,
    health,
    weight,
    ...(workload ? { workload } : {}),
    isMeshed: facts.get('meshed') === true,
    ...(spiffeId === '' ? {} : { tls: { spiffeId } }),
  }
}

export function readAssignment(reader: FieldReader): LoadAssignment {
  const name = reader.string('cluster_name')
  const endpoints: Endpoint[] = []
  for (const locality of reader.messages('endpoints')) {
    if (locality.number('priority') > 0) locality.fault('priority', 'only priority 0 is supported by this proxy')
    for (const one of locality.messages('lb_endpoints')) {
      const endpoint = readEndpoint(one)
      if (endpoint) endpoints.push(endpoint)
    }
  }
  const drops = reader.message('policy')?.messages('drop_overloads') ?? []
  for (const drop of drops) drop.fault('', 'unsupported by this proxy')
  for (const drop of drops) drop.skip()
  return { name, endpoints }
}
