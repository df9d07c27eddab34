/** Where a cluster keeps its things and which addresses it uses: everything that must differ between two clusters. */
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The Kubernetes that is built, as its Go module is named; its staging modules carry the same minor version. */
export const kubernetesVersion = 'v1.37.2'
export const stagingVersion = kubernetesVersion.replace('v1.', 'v0.')
export const corednsVersion = 'v1.12.2'

/** Clusters that can run at once: each takes a 32nd of 198.18.0.0/16 (RFC 2544: benchmarking, routed nowhere). */
export const clustersMax = 8

export interface Plan {
  name: string
  /** 0 to `clustersMax` - 1; two running clusters never share one. */
  number: number
  /** Everything that this cluster writes; gone after `down`. */
  folder: string
  /** The node's end of the link to the host, and the API server's address. */
  nodeAddress: string
  hostAddress: string
  podRange: string
  serviceRange: string
  /** Of the Service `kubernetes`: the first of the range. */
  apiServiceAddress: string
  dnsAddress: string
  hostLink: string
  /** The only cgroup that this cluster's pods are in, under the root of each hierarchy. */
  cgroup: string
}

/** @throws Error when the number is out of range. */
export function planCluster({ name, number }: { name: string; number: number }): Plan {
  if (!Number.isInteger(number) || number < 0 || number >= clustersMax)
    throw new Error(`cluster number ${number}: expected 0 to ${clustersMax - 1}`)
  const third = number * 32
  return {
    name,
    number,
    folder: join(stateFolder(), name),
    nodeAddress: `198.18.${third + 24}.2`,
    hostAddress: `198.18.${third + 24}.1`,
    podRange: `198.18.${third}.0/20`,
    serviceRange: `198.18.${third + 16}.0/21`,
    apiServiceAddress: `198.18.${third + 16}.1`,
    dnsAddress: `198.18.${third + 16}.10`,
    hostLink: `weftc${number}`,
    cgroup: `weft-test-${name}`,
  }
}

/** What was built once serves all clusters and all checkouts. */
export function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'weft/cluster')
}

export function stateFolder(): string {
  return join(process.env.XDG_STATE_HOME || join(homedir(), '.local/state'), 'weft/cluster')
}

export const apiPort = 6443

export function apiUrl(plan: Plan): string {
  return `https://${plan.nodeAddress}:${apiPort}`
}

/** Who may call the API server, and as what: one static token each. */
export const accounts = {
  admin: { user: 'weft-test-admin', groups: 'system:masters' },
  'controller-manager': { user: 'system:kube-controller-manager', groups: '' },
  scheduler: { user: 'system:kube-scheduler', groups: '' },
  kubelet: { user: 'system:node:node-0', groups: 'system:nodes' },
  'kube-proxy': { user: 'system:kube-proxy', groups: '' },
} as const

export type AccountName = keyof typeof accounts
export const nodeName = 'node-0'
