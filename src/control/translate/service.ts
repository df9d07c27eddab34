/** Services → the model's services, and a cluster for each of their ports. */
import type * as core from '#/api/core.ts'
import type { Fault, Resources, Sourced } from '#/control/source/resources.ts'
import type { Cluster, LoadBalancing } from '#/model/cluster.ts'
import type { ObjectRef } from '#/model/object-ref.ts'
import { formatDestination, formatServiceHost, type Service, type ServicePort, transportOf } from '#/model/service.ts'
import { appProtocolOf, upstreamProtocolOf } from './app-protocol.ts'
import { type Finding, faultOf } from './fault.ts'
import { perObject } from './identity.ts'

/** On a Service: how its endpoints are chosen, until a TrafficPolicy says it. */
export const loadBalancingAnnotation = 'weft.dev/load-balancing'

const loadBalancings: readonly LoadBalancing[] = ['round-robin', 'least-request', 'random']

export interface ServiceEntry {
  ref: ObjectRef
  service: Service
  loadBalancing: LoadBalancing | undefined
  /** IPv4 or IPv6: the family of the Service's first address, whose endpoints are used. */
  addressFamily: 'IPv4' | 'IPv6'
}

/** Services by `namespace/name`, and those that can't be called through the mesh, with the reason. */
export interface ServiceIndex {
  entries: ReadonlyMap<string, ServiceEntry>
  external: ReadonlySet<string>
}

interface ReadService {
  entry?: ServiceEntry
  findings: readonly Finding[]
}

/** @param before the last index, given back when nothing has changed. */
export function readServices(resources: Resources, before?: ServiceIndex): { index: ServiceIndex; faults: Fault[] } {
  const entries = new Map<string, ServiceEntry>()
  const external = new Set<string>()
  const faults: Fault[] = []
  for (const [key, sourced] of resources.of('Service')) {
    const { entry, findings } = readService(sourced.value)
    if (entry) entries.set(key, entry)
    else external.add(key)
    for (const finding of findings) faults.push(faultOf(serviceRef(sourced), sourced, finding))
  }
  const isSame =
    before?.entries.size === entries.size &&
    before.external.size === external.size &&
    [...entries].every(([key, entry]) => before.entries.get(key) === entry) &&
    [...external].every((key) => before.external.has(key))
  return { index: isSame ? before : { entries, external }, faults }
}

function serviceRef({ value }: Sourced<core.Service>): ObjectRef {
  return { kind: 'Service', namespace: value.metadata.namespace ?? 'default', name: value.metadata.name }
}

const readService = perObject((object: core.Service): ReadService => {
  const { metadata, spec } = object
  if (spec.type === 'ExternalName') return { findings: [externalNameFinding] }
  const ref: ObjectRef = { kind: 'Service', namespace: metadata.namespace ?? 'default', name: metadata.name }
  const addresses = (spec.clusterIPs ?? [spec.clusterIP ?? '']).filter((ip) => ip !== '' && ip !== 'None')
  const service: Service = {
    namespace: ref.namespace,
    name: ref.name,
    host: formatServiceHost(ref),
    addresses,
    isHeadless: spec.clusterIP === 'None',
    ports: portsOf(spec.ports ?? []),
  }
  const wanted = metadata.annotations?.[loadBalancingAnnotation]
  const loadBalancing = loadBalancings.find((known) => known === wanted)
  return {
    entry: { ref, service, loadBalancing, addressFamily: familyOf(spec, addresses) },
    findings: wanted !== undefined && !loadBalancing ? [loadBalancingFinding(wanted)] : [],
  }
})

/** SCTP is carried by no proxy and no model. */
function portsOf(ports: NonNullable<core.Service['spec']['ports']>): ServicePort[] {
  const carried = ports.filter((port) => port.protocol !== 'SCTP')
  return carried.map((port) => ({ port: port.port, name: port.name ?? '', protocol: appProtocolOf(port) }))
}

function familyOf(spec: core.Service['spec'], addresses: readonly string[]): ServiceEntry['addressFamily'] {
  const families = spec.ipFamilies
  const first = Array.isArray(families) ? families[0] : undefined
  if (first === 'IPv4' || first === 'IPv6') return first
  return addresses[0]?.includes(':') ? 'IPv6' : 'IPv4'
}

const externalNameFinding: Finding = {
  severity: 'warning',
  code: 'external-name',
  field: 'spec.type',
  message: 'A Service of type ExternalName is a DNS alias without endpoints; the mesh does not carry calls to it.',
  cure: 'Call the external name itself, or use a Service with endpoints.',
}

function loadBalancingFinding(wanted: string): Finding {
  return {
    severity: 'warning',
    code: 'bad-annotation',
    field: `metadata.annotations["${loadBalancingAnnotation}"]`,
    message: `"${wanted}" is no way to balance; the default is used.`,
    cure: `Use one of ${loadBalancings.join(', ')}.`,
  }
}

export interface ClusterDefaults {
  loadBalancing: LoadBalancing
  connectTimeoutMs: number
}

export function clustersOf(entries: Iterable<ServiceEntry>, defaults: ClusterDefaults): Map<string, Cluster> {
  const clusters = new Map<string, Cluster>()
  for (const entry of entries) {
    for (const cluster of clustersOfService(entry, defaults)) clusters.set(cluster.name, cluster)
  }
  return clusters
}

/** What was made of each Service last time; most are as they were, and are found equal at a glance. */
const made = new WeakMap<ServiceEntry, ClusterDefaults & { clusters: readonly Cluster[] }>()

function clustersOfService(entry: ServiceEntry, defaults: ClusterDefaults): readonly Cluster[] {
  const { connectTimeoutMs } = defaults
  const loadBalancing = entry.loadBalancing ?? defaults.loadBalancing
  const before = made.get(entry)
  if (before?.connectTimeoutMs === connectTimeoutMs && before.loadBalancing === loadBalancing) return before.clusters
  const { namespace, name, host } = entry.service
  const clusters = entry.service.ports.map(({ port, protocol }): Cluster => {
    const destination = formatDestination({ host, port, transport: transportOf(protocol) })
    return {
      name: destination,
      discovery: { type: 'eds', serviceName: destination },
      loadBalancing,
      connectTimeoutMs,
      protocol: upstreamProtocolOf(protocol),
      service: { namespace, name, host, port },
    }
  })
  made.set(entry, { loadBalancing, connectTimeoutMs, clusters })
  return clusters
}
