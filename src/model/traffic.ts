/** What was called, as sidecars have seen it (docs/decisions/0014-traffic-ledger.md): edges with counts, and single refusals. */
import type { TrafficDirection } from './listener.ts'

/** `tls`: encrypted, but not by the mesh, so that nobody of the mesh has proven who it is. */
export type TrafficSecurity = 'mutual_tls' | 'tls' | 'plaintext'

/** `audited`: let through, and an audit rule matched. */
export type TrafficVerdict = 'allowed' | 'audited' | 'denied'

export type TrafficProtocol = 'http' | 'grpc' | 'tcp' | 'udp'

/** What makes an edge: all that was alike in these fields is counted together. */
export interface TrafficFacts {
  direction: TrafficDirection
  /** Verified SPIFFE id of the other side; empty without mutual TLS. */
  principal: string
  /** Inbound: `NAMESPACE/WORKLOAD` that the caller is said to be, proven only as far as `principal` fits; else empty. */
  caller: string
  /** Inbound: where a caller without a name called from, as CIDR: its address, or where there were too many the block around it; else empty. */
  addressBlock: string
  /** Outbound: `HOST:PORT` of the Service, or what the caller named where it is none; inbound: empty, it is the workload itself. */
  destination: string
  /** Inbound: of the workload. Outbound: of the destination; 0 where nobody said. */
  port: number
  protocol: TrafficProtocol
  /** Empty for streams, as `path`. */
  method: string
  /** Its shape: `/orders/{id}`; `**` at the end for all that was too much; `missingPath` where nothing is. */
  path: string
  security: TrafficSecurity
  verdict: TrafficVerdict
  /** The rule that denied or audited. */
  rule: string
}

export interface TrafficEdge extends TrafficFacts {
  /** Requests, or streams. */
  count: number
  /** Milliseconds since 1970. */
  firstMs: number
  lastMs: number
}

/** Stands for all paths at which the application had nothing (404): whoever tries names must not fill the ledger. */
export const missingPath = '{missing}'

/** One request or stream that was refused or audited. */
export interface TrafficDecision {
  /** Counts up within `source`, from 1: whoever reads again knows what is new, and what was lost. */
  sequence: number
  /** One event loop's life. */
  source: string
  atMs: number
  verdict: 'audited' | 'denied'
  /** Why: a key of `errorCodes` where it was refused. */
  code: string
  rule: string
  principal: string
  caller: string
  /** Without port. */
  address: string
  port: number
  protocol: TrafficProtocol
  method: string
  authority: string
  /** Without its query. */
  path: string
  requestId: string
}

/** What one sidecar tells at `/traffic`. */
export interface TrafficReport {
  /** Since when it counts; another one than before: it has been started again. */
  sinceMs: number
  nowMs: number
  edges: readonly TrafficEdge[]
  /** Requests and streams that found no room for an edge of their own. */
  uncounted: number
  /** The last few. */
  decisions: readonly TrafficDecision[]
}

/** The same for the same facts. */
export function formatTrafficKey(facts: TrafficFacts): string {
  const { direction, principal, caller, addressBlock, destination, port } = facts
  const { protocol, method, path, security, verdict, rule } = facts
  const who = `${direction} ${principal} ${caller} ${addressBlock} ${destination} ${port}`
  return `${who} ${protocol} ${method} ${path} ${security} ${verdict} ${rule}`
}

/** An edge of the whole mesh: what the sidecars of all replicas of one workload have seen. */
export interface MeshEdge extends TrafficEdge {
  /** `NAMESPACE/WORKLOAD` whose sidecars saw it: who was called (inbound), or who called (outbound). */
  workload: string
  /** Its account, for outbound: who called, to policies. */
  serviceAccount: string
}

/** What is known of one sidecar's ledger. */
export interface LedgerSource {
  /** `POD.NAMESPACE` */
  node: string
  workload: string
  /** `off`: it keeps no ledger. */
  state: 'told' | 'unreachable' | 'off'
  /** When it was last asked with success, milliseconds since 1970; 0 for never. */
  toldMs: number
  /** Why it could not be asked; empty when it could. */
  detail: string
}

/** Traffic of the mesh within a time, as the control plane tells it. */
export interface MeshTraffic {
  /** The time that was asked for, milliseconds since 1970. Counts are those of it, to the minute within an hour, to the hour within a day, beyond that all. */
  fromMs: number
  nowMs: number
  /** Since when traffic is collected at all. */
  sinceMs: number
  sources: readonly LedgerSource[]
  edges: readonly MeshEdge[]
}
