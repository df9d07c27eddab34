/** Where the requests for a cluster can go. */
import type { WorkloadIdentity } from './workload.ts'

export type EndpointHealth = 'healthy' | 'draining' | 'unhealthy'

export interface Endpoint {
  address: string
  port: number
  health: EndpointHealth
  /** Relative share, 1 or more. */
  weight: number
  /** Who answers there, when it is a workload of the mesh. */
  workload?: WorkloadIdentity
  /** A sidecar stands before it, so that metadata headers may be sent and `weft-detail` trusted. */
  isMeshed: boolean
  /** Mutual TLS is taken there, by who shows this SPIFFE id. Absent: plain text. */
  tls?: { spiffeId: string }
}

/** The endpoints of one cluster (Envoy: ClusterLoadAssignment), in one locality for now. */
export interface LoadAssignment {
  /** The cluster's name. */
  name: string
  endpoints: readonly Endpoint[]
}
