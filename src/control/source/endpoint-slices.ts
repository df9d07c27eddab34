/**
 * What Kubernetes' own EndpointSlice controller does, for sources that have none: Services with a selector and Pods give
 * slices, one a Pod, since inbound ports differ from sidecar to sidecar on a laptop.
 */
import type { EndpointSlice, Pod, Service } from '#/api/core.ts'
import type { Resources, Sourced } from './resources.ts'

interface PodPort {
  port: number
  name?: string
  inbound?: string
}

type ServicePort = NonNullable<Service['spec']['ports']>[number]

function isSelected(
  selector: Readonly<Record<string, string>>,
  labels: Readonly<Record<string, string>> = {},
): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value)
}

/** The laptop's ports from the annotation, else the containers'. An annotation that is no JSON counts as none; translation tells. */
function portsOf(pod: Pod): PodPort[] {
  const text = pod.metadata.annotations?.['weft.dev/ports']
  if (text !== undefined) {
    try {
      const ports: unknown = JSON.parse(text)
      if (Array.isArray(ports)) return ports as PodPort[]
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      return []
    }
  }
  return pod.spec.containers.flatMap((container) =>
    (container.ports ?? []).map(({ containerPort, name }) => ({ port: containerPort, ...(name ? { name } : {}) })),
  )
}

/** Where the Pod takes requests for a port of the Service; undefined when it has no such port. */
function targetOf(pod: Pod, servicePort: ServicePort): { address: string; port: number } | undefined {
  const target = servicePort.targetPort ?? servicePort.port
  const ports = portsOf(pod)
  const found = ports.find(({ port, name }) => (typeof target === 'number' ? port === target : name === target))
  const address = pod.status?.podIP ?? pod.status?.podIPs?.[0]?.ip
  if (found?.inbound) {
    const colon = found.inbound.lastIndexOf(':')
    return { address: found.inbound.slice(0, colon), port: Number(found.inbound.slice(colon + 1)) }
  }
  const port = found?.port ?? (typeof target === 'number' ? target : undefined)
  return address && port ? { address, port } : undefined
}

function sliceOf(options: { service: Service; pod: Pod }): EndpointSlice | undefined {
  const { service, pod } = options
  const { name, namespace = 'default' } = service.metadata
  const targets = (service.spec.ports ?? []).flatMap((port) => {
    const target = targetOf(pod, port)
    return target ? [{ ...target, name: port.name ?? '', protocol: port.protocol ?? 'TCP' }] : []
  })
  const address = targets[0]?.address
  if (address === undefined) return undefined
  const isReady = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false
  const isTerminating = pod.metadata.deletionTimestamp !== undefined
  const ready = service.spec.publishNotReadyAddresses === true || (isReady && !isTerminating)
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-${pod.metadata.name}`,
      namespace,
      labels: { 'kubernetes.io/service-name': name, 'endpointslice.kubernetes.io/managed-by': 'weft' },
    },
    addressType: address.includes(':') ? 'IPv6' : 'IPv4',
    endpoints: [
      {
        addresses: [address],
        conditions: { ready, serving: isReady, terminating: isTerminating },
        targetRef: { kind: 'Pod', namespace: pod.metadata.namespace ?? 'default', name: pod.metadata.name },
      },
    ],
    ports: targets.map(({ port, name: portName, protocol }) => ({ name: portName, port, protocol })),
  }
}

/** Slices by `namespace/name`; one that is equal to a previous one stays the same object. */
export function deriveEndpointSlices(
  resources: Resources,
  previous: ReadonlyMap<string, Sourced<EndpointSlice>> = new Map(),
): Map<string, Sourced<EndpointSlice>> {
  const slices = new Map<string, Sourced<EndpointSlice>>()
  const podsByNamespace = new Map<string, Sourced<Pod>[]>()
  for (const sourced of resources.of('Pod').values()) {
    const namespace = sourced.value.metadata.namespace ?? 'default'
    podsByNamespace.set(namespace, [...(podsByNamespace.get(namespace) ?? []), sourced])
  }
  for (const { value: service } of resources.of('Service').values()) {
    const { selector } = service.spec
    if (!selector || Object.keys(selector).length === 0) continue
    for (const pod of podsByNamespace.get(service.metadata.namespace ?? 'default') ?? []) {
      if (!isSelected(selector, pod.value.metadata.labels)) continue
      const value = sliceOf({ service, pod: pod.value })
      if (!value) continue
      const key = `${value.metadata.namespace}/${value.metadata.name}`
      const before = previous.get(key)
      const isSame = before !== undefined && JSON.stringify(before.value) === JSON.stringify(value)
      slices.set(key, isSame ? before : { value, origin: pod.origin, locate: () => pod.origin })
    }
  }
  return slices
}
