/** What the admin endpoint asks of the engine around it: all that it knows and can do. */
import type { TrafficReport } from '#/model/traffic.ts'
import type { Log } from '#/std/log.ts'
import type { Family } from '../metric/family.ts'

export interface EndpointStatus {
  /** `address:port`. */
  address: string
  health: string
  weight: number
  /** Attempts under way, ever begun, ended without an answer. */
  active: number
  requests: number
  failures: number
  /** `POD.NAMESPACE` where the endpoint is a workload of the mesh, else empty. */
  workload: string
}

export interface ClusterStatus {
  name: string
  loadBalancing: string
  endpoints: readonly EndpointStatus[]
}

/** Whoever has metrics. */
export interface FamilySource {
  readonly families: Iterable<Family>
}

export interface AdminState {
  log: Log
  registry: FamilySource
  /** Whether requests should be sent here, and in a few words why not. */
  readiness(): { isReady: boolean; detail: string }
  /** Everything that the proxy was told and made of it; any JSON, Maps allowed. Secrets are blackened by the endpoint. */
  configDump(): unknown
  clusters(): Iterable<ClusterStatus>
  /** Who called what; absent where nobody counts. */
  traffic?(): TrafficReport | undefined
  /** Begins the orderly end of taking requests. May be called more than once. */
  drain(): void
  /** Ends the process in an orderly way. */
  quit(): void
  /**
   * Absent: a page is answered at once from what is here. Else it is answered when `done` is called: what it tells has been
   * gathered from other event loops then.
   */
  gather?(path: string, done: () => void): void
}
