/** A replica as the Pod that a kubelet would report: what the control plane learns of it (ARCHITECTURE.md, Pods). */
import { formatPodAnnotations, type PodAddresses } from '#/api/pod-annotations.ts'
import type { HostPort } from '#/std/host-port.ts'
import type { WorkloadPlan } from './workload-plan.ts'

/** A port of the application with both its addresses, the application's own and the sidecar's before it. */
export interface PortAddresses {
  port: number
  name: string
  protocol: 'TCP' | 'UDP'
  container: string
  application: HostPort
  inbound: HostPort
}

/** Everything about where a replica is reached; fixed when it is started, except for explicit listeners. */
export interface ReplicaAddresses extends PodAddresses {
  podAddress: string
  ports: readonly PortAddresses[]
}

export interface PodState {
  isReady: boolean
  createdAt: string
  /** Set from the moment on that it is asked to go. */
  deletedAt?: string
  containers: readonly { name: string; isReady: boolean; restarts: number }[]
}

export function podDocument(options: {
  plan: WorkloadPlan
  pod: string
  addresses: ReplicaAddresses
  state: PodState
}): object {
  const { plan, pod, addresses, state } = options
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: pod,
      namespace: plan.namespace,
      labels: { ...plan.labels, 'pod-template-hash': plan.hash },
      annotations: { ...plan.annotations, ...formatPodAnnotations(addresses) },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: plan.name, controller: true }],
      creationTimestamp: state.createdAt,
      ...(state.deletedAt ? { deletionTimestamp: state.deletedAt } : {}),
    },
    spec: {
      serviceAccountName: plan.serviceAccount,
      containers: plan.containers.map(({ name, image, ports }) => ({
        name,
        ...(image ? { image } : {}),
        ports: ports.map(({ port, name, protocol }) => ({
          containerPort: port,
          ...(name ? { name } : {}),
          ...(protocol === 'UDP' ? { protocol } : {}),
        })),
      })),
    },
    status: {
      phase: state.containers.every(({ isReady, restarts }) => !isReady && restarts === 0) ? 'Pending' : 'Running',
      podIP: addresses.podAddress,
      podIPs: [{ ip: addresses.podAddress }],
      conditions: [{ type: 'Ready', status: state.isReady ? 'True' : 'False' }],
      containerStatuses: state.containers.map(({ name, isReady, restarts }) => ({
        name,
        ready: isReady,
        restartCount: restarts,
      })),
    },
  }
}
