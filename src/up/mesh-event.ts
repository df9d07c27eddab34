/**
 * What `weft up` tells while it runs: one event a state change. `--output json` prints them as they are, a line each; the
 * terminal shows them as words. New fields may come; those here stay.
 */

/** A replica with all its addresses: URLs, ready to be handed to curl. */
export interface WorkloadAddresses {
  namespace: string
  /** Of the Deployment. */
  name: string
  pod: string
  /** Where the application itself listens; null when it serves nothing. */
  app: string | null
  /** The sidecar before it: what other sidecars call. */
  inbound: string | null
  /** Where it sends its calls; null where the kernel redirects them. */
  outbound: string | null
  admin: string
  pids: { app: number | null; sidecar: number | null }
}

export interface WorkloadReport extends WorkloadAddresses {
  isReady: boolean
  /** Why not, when it is not. */
  reason?: string
}

export interface ControlReport {
  pid: number | null
  xds: string
  api: string
}

export interface FaultReport {
  severity: 'error' | 'warning'
  code: string
  object: string
  file: string
  line: number
  column: number
  field: string
  message: string
  cure: string
}

/** Where people come in: a Service that is meant to be called from outside (`LoadBalancer` or `NodePort`). */
export interface Entrance {
  service: string
  url: string
}

/** A call through the mesh that works from any shell. */
export interface SampleCall {
  /** Outbound address of a workload, as URL. */
  proxy: string
  url: string
}

export type MeshEvent =
  | { event: 'starting'; directory: string; state: string }
  /** Everything that is to run is ready. Told once. */
  | { event: 'ready'; control: ControlReport; workloads: WorkloadAddresses[] }
  /** What to try now; follows `ready`. */
  | { event: 'hints'; entrances: Entrance[]; call?: SampleCall }
  /** A Deployment that can't run here. */
  | { event: 'left-out'; namespace: string; name: string; reason: string }
  | { event: 'workload'; change: 'starting' | 'ready' | 'not-ready' | 'draining' | 'gone'; workload: WorkloadReport }
  /** A process ended by itself; `words` is the line of its log that most likely says why. */
  | {
      event: 'crashed'
      namespace: string
      pod: string
      process: string
      exit: string
      words: string
      restartInMs: number
      log: string
    }
  | { event: 'restarted'; namespace: string; pod: string; process: string; pid: number | null }
  | ({ event: 'fault' } & FaultReport)
  /** A fault that was told before is mended. */
  | ({ event: 'mended' } & FaultReport)
  /** A route in force: on how many of the proxies that need it. */
  | { event: 'live'; object: string; live: number; needed: number }
  | { event: 'control'; change: 'crashed' | 'ready'; control: ControlReport; exit?: string; words?: string }
  | { event: 'stopping' }
  | { event: 'stopped' }

export type Announce = (event: MeshEvent) => void
