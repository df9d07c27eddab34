/** EndpointSlices → where the requests for a Service port can go. */
import type { EndpointSlice } from '#/api/core.ts'
import type { Fault, Resources } from '#/control/source/resources.ts'
import { formatSpiffeId, serviceAccountId } from '#/identity/spiffe/spiffe-id.ts'
import type { Endpoint, EndpointHealth, LoadAssignment } from '#/model/endpoint.ts'
import { formatDestination, type Transport, transportOf } from '#/model/service.ts'
import type { Workload, WorkloadPort } from '#/model/workload.ts'
import type { HostPort } from '#/std/host-port.ts'
import { type Finding, faultOf } from './fault.ts'
import type { ServiceEntry } from './service.ts'
import type { WorkloadEntry } from './workload.ts'

/** Which Service a slice belongs to (EndpointSlice API). */
const serviceNameLabel = 'kubernetes.io/service-name'

export interface EndpointInput {
  resources: Resources
  /** By `namespace/name`. */
  services: ReadonlyMap<string, ServiceEntry>
  /** By `namespace/pod`. */
  workloads: ReadonlyMap<string, WorkloadEntry>
  /** Absent where nobody has an identity. */
  trustDomain?: string
}

/** One assignment for each destination, empty where nothing is ready. */
export function assignEndpoints(input: EndpointInput): { assignments: Map<string, LoadAssignment>; faults: Fault[] } {
  const { slices, faults } = slicesByService(input.resources)
  const assignments = new Map<string, LoadAssignment>()
  for (const [key, entry] of input.services) {
    const own = inOneFamily(slices.get(key) ?? [], entry.addressFamily)
    for (const port of entry.service.ports) {
      const transport = transportOf(port.protocol)
      const name = formatDestination({ host: entry.service.host, port: port.port, transport })
      const endpoints = new Map<string, Endpoint>()
      for (const slice of own) {
        for (const number of slicePorts(slice, port.name, transport)) {
          addEndpoints(endpoints, { ...input, slice, port: number, transport })
        }
      }
      assignments.set(name, { name, endpoints: [...endpoints.values()] })
    }
  }
  return { assignments, faults }
}

/** A dual-stack pod stands in a slice of each family: one is enough, the Service's own if there is one. */
function inOneFamily(slices: readonly EndpointSlice[], family: 'IPv4' | 'IPv6'): readonly EndpointSlice[] {
  const preferred = slices.filter((slice) => slice.addressType === family)
  return preferred.length > 0 ? preferred : slices
}

function slicesByService(resources: Resources): { slices: Map<string, EndpointSlice[]>; faults: Fault[] } {
  const slices = new Map<string, EndpointSlice[]>()
  const faults: Fault[] = []
  for (const sourced of resources.of('EndpointSlice').values()) {
    const { metadata, addressType } = sourced.value
    const namespace = metadata.namespace ?? 'default'
    const ref = { kind: 'EndpointSlice', namespace, name: metadata.name }
    const service = metadata.labels?.[serviceNameLabel]
    if (service === undefined) faults.push(faultOf(ref, sourced, noServiceFinding))
    else if (addressType === 'FQDN') faults.push(faultOf(ref, sourced, fqdnFinding))
    else {
      const key = `${namespace}/${service}`
      const found = slices.get(key)
      if (found) found.push(sourced.value)
      else slices.set(key, [sourced.value])
    }
  }
  return { slices, faults }
}

/** A slice's port bears the name of the Service's port; a Service with one port may leave both without. */
function slicePorts(slice: EndpointSlice, name: string, transport: Transport): number[] {
  const numbers: number[] = []
  for (const { name: own = '', protocol = 'TCP', port } of slice.ports ?? []) {
    if (own === name && protocol.toLowerCase() === transport && port !== undefined) numbers.push(port)
  }
  return numbers
}

interface SlicePlace extends Pick<EndpointInput, 'workloads' | 'trustDomain'> {
  slice: EndpointSlice
  port: number
  transport: Transport
}

type SliceEndpoint = EndpointSlice['endpoints'][number]

/** Two slices may hold one endpoint for a moment while it moves between them (EndpointSlice API): the first counts. */
function addEndpoints(endpoints: Map<string, Endpoint>, place: SlicePlace): void {
  const { slice, port, workloads } = place
  for (const source of slice.endpoints) {
    // All addresses of one endpoint are the same backend; consumers take the first.
    const key = `${source.addresses[0]} ${port}`
    if (endpoints.has(key)) continue
    const { targetRef } = source
    const namespace = targetRef?.namespace ?? slice.metadata.namespace ?? 'default'
    const workload = targetRef?.kind === 'Pod' ? workloads.get(`${namespace}/${targetRef.name}`) : undefined
    const endpoint = endpointOf(source, place, workload)
    if (endpoint) endpoints.set(key, endpoint)
  }
}

function endpointOf(
  source: SliceEndpoint,
  { port, transport, trustDomain }: Omit<SlicePlace, 'slice' | 'workloads'>,
  entry: WorkloadEntry | undefined,
): Endpoint | undefined {
  const health = healthOf(source.conditions)
  const address = source.addresses[0]
  if (!health || address === undefined) return undefined
  const taken = entry && takenPort(entry.workload, { host: address, port }, transport)
  const mayTls = taken !== undefined && taken.mutualTls !== undefined && taken.mutualTls !== 'disabled'
  const tls = mayTls && entry && trustDomain ? { spiffeId: idOf(trustDomain, entry.workload) } : undefined
  return {
    address,
    port,
    health,
    weight: 1,
    ...(entry ? { workload: entry.identity } : {}),
    isMeshed: entry !== undefined && isInbound(entry.workload, { host: address, port }, transport),
    ...(tls ? { tls } : {}),
  }
}

/**
 * Ready ones are healthy. One that is asked to go but still serves is draining: for when nothing else is left, as
 * kube-proxy does. Others are left out rather than sent as unhealthy: Envoy would turn to them in a panic.
 * An absent `ready` or `serving` means yes, an absent `terminating` no (EndpointConditions).
 */
function healthOf(conditions: SliceEndpoint['conditions']): EndpointHealth | undefined {
  const isReady = conditions?.ready ?? true
  const isServing = conditions?.serving ?? isReady
  if (conditions?.terminating) return isServing ? 'draining' : undefined
  return isReady ? 'healthy' : undefined
}

/** The sidecar stands there, not the application behind it. */
function isInbound(
  { isRedirected, ports }: Pick<Workload, 'isRedirected' | 'ports'>,
  { host, port }: HostPort,
  transport: Transport,
): boolean {
  // The kernel redirects TCP alone.
  if (isRedirected) return transport === 'tcp'
  return takenPort({ isRedirected, ports }, { host, port }, transport) !== undefined
}

/** The port of the workload that is reached there through its sidecar. */
function takenPort(
  { isRedirected, ports }: Pick<Workload, 'isRedirected' | 'ports'>,
  { host, port }: HostPort,
  transport: Transport,
): WorkloadPort | undefined {
  return ports.find(
    ({ inbound, port: number, transport: own = 'tcp' }) =>
      own === transport && (isRedirected ? number === port : inbound.port === port && inbound.host === host),
  )
}

function idOf(trustDomain: string, workload: Workload): string {
  return formatSpiffeId(serviceAccountId(trustDomain, workload))
}

const noServiceFinding: Finding = {
  severity: 'warning',
  code: 'slice-without-service',
  field: 'metadata.labels',
  message: `The label ${serviceNameLabel} is missing, so the slice belongs to no Service.`,
  cure: `Set the label ${serviceNameLabel} to the name of the Service.`,
}

const fqdnFinding: Finding = {
  severity: 'warning',
  code: 'slice-address-type',
  field: 'addressType',
  message: 'Endpoints by DNS name (addressType FQDN) are not used.',
  cure: 'List addresses, with addressType IPv4 or IPv6.',
}
