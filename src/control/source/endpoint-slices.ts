/**
 * What Kubernetes' own EndpointSlice controller does, for sources that have none: Services with a selector and Pods give
 * slices, one a Pod, since inbound ports differ from sidecar to sidecar on a laptop.
 */
import type { EndpointSlice, Pod, Service, ServicePort } from '#/api/core.ts'
import { parsePodPorts, portsAnnotation } from '#/api/pod-annotations.ts'
import type { HostPort } from '#/std/host-port.ts'
import { LabelIndex } from './label-index.ts'
import type { Resources, Sourced } from './resources.ts'

type Slices = ReadonlyMap<string, Sourced<EndpointSlice>>

interface PodPort {
  port: number
  name: string
  protocol: string
  /** Where the sidecar takes requests for it; absent in a cluster. */
  inbound?: HostPort
}

/** What was derived from a Service and a Pod; `undefined` when the Pod is no endpoint of it. */
const derived = new WeakMap<Service, WeakMap<Sourced<Pod>, Sourced<EndpointSlice> | undefined>>()

/**
 * Slices by `namespace/name`, of every Service with a selector. A slice stays the same object while its Service and Pod do,
 * and when it is equal to that of `previous`.
 */
export function deriveEndpointSlices(
  resources: Resources,
  previous: Slices = new Map(),
): Map<string, Sourced<EndpointSlice>> {
  const pods = new LabelIndex<Sourced<Pod>>()
  for (const pod of resources.of('Pod').values()) {
    const { namespace = 'default', labels = {} } = pod.value.metadata
    pods.add(namespace, labels, pod)
  }
  const slices = new Map<string, Sourced<EndpointSlice>>()
  for (const { value: service } of resources.of('Service').values()) {
    const { namespace = 'default' } = service.metadata
    if (service.spec.type === 'ExternalName') continue
    for (const pod of pods.select(namespace, service.spec.selector ?? {})) {
      const slice = remember(service, pod, previous)
      if (slice) slices.set(`${namespace}/${slice.value.metadata.name}`, slice)
    }
  }
  return slices
}

function remember(service: Service, pod: Sourced<Pod>, previous: Slices): Sourced<EndpointSlice> | undefined {
  let byPod = derived.get(service)
  if (!byPod) {
    byPod = new WeakMap()
    derived.set(service, byPod)
  }
  if (byPod.has(pod)) return byPod.get(pod)
  const value = sliceOf(service, pod.value)
  const before = value && previous.get(`${value.metadata.namespace}/${value.metadata.name}`)
  const isSame = before !== undefined && JSON.stringify(before.value) === JSON.stringify(value)
  const slice = isSame ? before : value && { value, origin: pod.origin, locate: () => pod.origin }
  byPod.set(pod, slice)
  return slice
}

/** The laptop's ports from the annotation, else the containers'. An unreadable annotation counts as no ports; translation tells. */
function portsOf(pod: Pod): PodPort[] {
  const text = pod.metadata.annotations?.[portsAnnotation]
  if (text !== undefined)
    return (parsePodPorts(text) ?? []).map(({ port, name, protocol, inbound }) => ({ port, name, protocol, inbound }))
  return pod.spec.containers.flatMap(({ ports = [] }) =>
    ports.map(({ containerPort, name = '', protocol = 'TCP' }) => ({ port: containerPort, name, protocol })),
  )
}

/** Where the Pod takes requests for a port of the Service; undefined when it has no such port. */
function targetOf(pod: Pod, servicePort: ServicePort): HostPort | undefined {
  const { targetPort = servicePort.port, protocol = 'TCP' } = servicePort
  const isTarget = (port: PodPort): boolean =>
    port.protocol === protocol && (typeof targetPort === 'number' ? port.port === targetPort : port.name === targetPort)
  const found = portsOf(pod).find(isTarget)
  if (found?.inbound) return found.inbound
  const host = pod.status?.podIP ?? pod.status?.podIPs?.[0]?.ip
  // A port by number need not be declared by a container.
  const port = found?.port ?? (typeof targetPort === 'number' ? targetPort : undefined)
  return host && port ? { host, port } : undefined
}

function sliceOf(service: Service, pod: Pod): EndpointSlice | undefined {
  const phase = pod.status?.phase
  if (phase === 'Succeeded' || phase === 'Failed') return undefined
  const targets = (service.spec.ports ?? []).flatMap((port) => {
    const target = targetOf(pod, port)
    return target ? [{ ...target, name: port.name ?? '', protocol: port.protocol ?? 'TCP' }] : []
  })
  // A slice has the addresses of its endpoints once for all ports; a sidecar takes all of them at one address.
  const host = targets[0]?.host
  if (host === undefined) return undefined
  const { name, namespace = 'default' } = service.metadata
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${pod.metadata.name}`,
      namespace,
      labels: { 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': 'weft' },
    },
    addressType: host.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: [
      {
        addresses: [host],
        conditions: conditionsOf(service, pod),
        targetRef: { kind: 'Pod', namespace: pod.metadata.namespace ?? 'default', name: pod.metadata.name },
      },
    ],
    ports: targets
      .filter((target) => target.host === host)
      .map(({ port, name: portName, protocol }) => ({ name: portName, port, protocol })),
  }
}

/** EndpointConditions: a Pod that goes is never ready, but serves as long as it can. */
function conditionsOf(service: Service, pod: Pod): { ready: boolean; serving: boolean; terminating: boolean } {
  const serving = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  const terminating = pod.metadata.deletionTimestamp !== undefined
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating)
  return { ready, serving, terminating }
}
