/** Where replicas stand: side by side on this machine's loopback, or each in a network namespace of its own. */
import type { Service } from '#/api/core.ts'
import type { Resources } from '#/control/source/resources.ts'
import { formatDestination, formatServiceHost, type Transport } from '#/model/service.ts'
import type { HostPort } from '#/std/host-port.ts'
import type { ReplicaAddresses } from './pod-document.ts'
import type { WorkloadPlan } from './workload-plan.ts'

/**
 * A Service with the address by which an application that knows no proxy may call each of its ports; a TCP and a UDP port of
 * one number share it.
 */
export interface ReachableService {
  service: Service
  addresses: ReadonlyMap<number, HostPort>
}

/** The place of one replica. */
export interface Site {
  addresses: ReplicaAddresses
  /** Where the application of a container is told to listen, by the container's port. */
  listenOf(container: string): ReadonlyMap<number, HostPort>
  services: readonly ReachableService[]
  /** Address of this machine from which probes come; absent for any. */
  probeFrom?: string
  /** The command line that runs `argv` here. */
  enterAsApplication(argv: readonly string[]): string[]
  /** User that the sidecar runs as; absent: as `weft up` itself. */
  sidecarUser?: number
  enterAsSidecar(argv: readonly string[]): string[]
}

export interface Ground {
  /** Host on which the control plane listens, reachable from every site. */
  controlHost: string
  prepare(plan: WorkloadPlan, pod: string): Promise<Site>
  /** New addresses of Services for a replica that runs; the annotations of its Pod follow. */
  explicitFor(plan: WorkloadPlan, pod: string): Promise<ReadonlyMap<string, HostPort>>
  /** Services changed. */
  setResources(resources: Resources): void
  /** The replica is gone. */
  release(plan: WorkloadPlan, pod: string): Promise<void>
  /** The mesh is gone. */
  close(): Promise<void>
}

export interface CallablePort {
  port: number
  transport: Transport
}

/** Services of a namespace that have an address of their own in the mesh, with their TCP and UDP ports. */
export function servicesOf(
  resources: Resources,
  namespace: string,
): { service: Service; ports: readonly CallablePort[] }[] {
  return [...resources.of('Service').values()]
    .map(({ value }) => value)
    .filter(({ metadata, spec }) => (metadata.namespace ?? 'default') === namespace && spec.type !== 'ExternalName')
    .map((service) => ({
      service,
      ports: (service.spec.ports ?? []).flatMap(({ port, protocol = 'TCP' }): CallablePort[] =>
        protocol === 'SCTP' ? [] : [{ port, transport: protocol === 'UDP' ? 'udp' : 'tcp' }],
      ),
    }))
}

export function destinationOf(service: Service, { port, transport }: CallablePort): string {
  const { name, namespace = 'default' } = service.metadata
  return formatDestination({ host: formatServiceHost({ namespace, name }), port, transport })
}
