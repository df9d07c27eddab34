/** Pods → workloads. */
import type { Pod } from '#/api/core.ts'
import type { Fault, Resources } from '#/control/source/resources.ts'
import { formatNodeId, type Workload, type WorkloadIdentity, type WorkloadPort } from '#/model/workload.ts'
import type { MutualTlsModes } from './authentication/mutual-tls.ts'
import { type Finding, faultOf } from './fault.ts'
import { perObject } from './identity.ts'
import { readSidecarAnnotations, type SidecarAnnotations } from './workload-annotation.ts'

export interface WorkloadEntry {
  workload: Workload
  /** The part that endpoints carry, one object a Pod. */
  identity: WorkloadIdentity
  findings: readonly Finding[]
}

export interface WorkloadIndex {
  byNodeId: Map<string, Workload>
  /** By `namespace/pod`. */
  byPod: Map<string, WorkloadEntry>
}

/**
 * A Pod that has ended (phase Succeeded or Failed) runs nothing and is left out.
 * @param modes absent where nobody has an identity.
 */
export function readWorkloads(resources: Resources, modes?: MutualTlsModes): { index: WorkloadIndex; faults: Fault[] } {
  const index: WorkloadIndex = { byNodeId: new Map(), byPod: new Map() }
  const faults: Fault[] = []
  for (const [key, sourced] of resources.of('Pod')) {
    const phase = sourced.value.status?.phase
    if (phase === 'Succeeded' || phase === 'Failed') continue
    const read = readWorkload(sourced.value)
    const { findings, identity } = read
    const workload = withModes(read.workload, modes)
    index.byNodeId.set(formatNodeId(workload), workload)
    index.byPod.set(key, { workload, identity, findings })
    if (findings.length === 0) continue
    const ref = { kind: 'Pod', namespace: workload.namespace, name: workload.pod }
    for (const finding of findings) faults.push(faultOf(ref, sourced, finding))
  }
  return { index, faults }
}

/** Datagrams have no TLS. */
function withModes(workload: Workload, modes: MutualTlsModes | undefined): Workload {
  if (!modes || !workload.hasIdentity) return workload
  const ports = workload.ports.map((port) =>
    port.transport === 'udp' ? port : { ...port, mutualTls: modes.modeOf(workload, port.port) },
  )
  return { ...workload, ports }
}

const readWorkload = perObject((pod: Pod): WorkloadEntry => {
  const { metadata, spec, status } = pod
  const labels = metadata.labels ?? {}
  const owner = ownerName(pod)
  const sidecar = readSidecarAnnotations(pod)
  const address = status?.podIP ?? status?.podIPs?.[0]?.ip ?? ''
  const identity: WorkloadIdentity = {
    namespace: metadata.namespace ?? 'default',
    workload: owner,
    pod: metadata.name,
    serviceAccount: spec.serviceAccountName ?? 'default',
    app: labels.app ?? labels['app.kubernetes.io/name'] ?? owner,
    version: labels.version ?? labels['app.kubernetes.io/version'] ?? 'latest',
  }
  const workload: Workload = {
    ...identity,
    labels,
    address,
    ports: sidecar.ports ?? (sidecar.isRedirected ? containerPorts(pod, address) : []),
    ...outboundOf(sidecar),
    explicit: sidecar.explicit,
    isRedirected: sidecar.isRedirected,
    hasIdentity: sidecar.hasIdentity,
    isReady: status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false,
    isDraining: metadata.deletionTimestamp !== undefined,
  }
  return { workload, identity, findings: sidecar.findings }
})

/** Redirected calls come to the sidecar whatever is bound, so nothing is announced. */
function outboundOf({ outbound, isRedirected }: SidecarAnnotations): Pick<Workload, 'outbound'> {
  return outbound && !isRedirected ? { outbound } : {}
}

/**
 * In a network namespace of its own the port is the same before and behind the sidecar, and the application is called at
 * the pod's own address: one that listens on loopback alone is as unreachable as it would be without a mesh.
 */
function containerPorts(pod: Pod, address: string): WorkloadPort[] {
  const ports = pod.spec.containers.flatMap((container) => container.ports ?? [])
  const carried = ports.filter(({ protocol }) => protocol !== 'SCTP')
  return carried.map(({ containerPort, name, protocol }) => {
    const place = { host: address, port: containerPort }
    const udp = protocol === 'UDP' ? { transport: 'udp' as const } : {}
    return { port: containerPort, name: name ?? '', ...udp, application: place, inbound: place }
  })
}

/** The hash that a Deployment puts behind its ReplicaSets' names, where the label that says it is missing. */
const templateHash = /-[a-z0-9]{5,10}$/
/** The minute (or, before Kubernetes 1.21, the second) of the run that a CronJob puts behind its Jobs' names. */
const runTime = /-\d{8,10}$/

/** The owner that people know: the Deployment behind a ReplicaSet, the CronJob behind a Job; the Pod itself if nothing owns it. */
function ownerName({ metadata }: Pod): string {
  const owners = metadata.ownerReferences ?? []
  const owner = owners.find(({ controller }) => controller === true) ?? owners[0]
  // A static pod is owned by its node, which says nothing about what it is.
  if (!owner || owner.kind === 'Node') return metadata.name
  if (owner.kind === 'ReplicaSet') {
    const hash = metadata.labels?.['pod-template-hash']
    if (hash && owner.name.endsWith(`-${hash}`)) return owner.name.slice(0, -hash.length - 1)
    return owner.name.replace(templateHash, '')
  }
  return owner.kind === 'Job' ? owner.name.replace(runTime, '') : owner.name
}
