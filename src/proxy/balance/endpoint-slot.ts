/** One endpoint as a balancer holds it: the model's noun with live counters. */
import type { Endpoint } from '#/model/endpoint.ts'
import type { EndpointHealthState } from '#/proxy/health/endpoint-health.ts'
import type { PeakLatency } from './peak-latency.ts'

/** Keeps its identity while the endpoint's address and port stay, whatever else of it changes. */
export class EndpointSlot<Attachment = unknown> {
  /** `address:port`. */
  readonly key: string
  endpoint: Endpoint
  /** Requests under way. */
  active = 0
  /** Requests ever begun, and those of them that ended without an answer. */
  requests = 0
  failures = 0
  /** No longer among the endpoints; requests under way may finish. */
  isRemoved = false
  /** It has failed too often, and gets nothing unless too many have. */
  isEjected = false
  /** Who is told of its answers; undefined where nobody judges them. */
  health: EndpointHealthState | undefined
  /** What the owner keeps for the endpoint: its pool of connections. */
  attachment: Attachment | undefined
  /** How soon it answers; undefined where nobody asks. */
  latency: PeakLatency | undefined
  /** Smooth weighted round robin's running value, in units of weight. */
  currentWeight = 0

  constructor(endpoint: Endpoint) {
    this.endpoint = endpoint
    this.key = slotKey(endpoint)
  }

  /** An attempt begins here. Each `acquire` has one `release`. */
  acquire(): void {
    this.active++
    this.requests++
  }

  release(isFailure: boolean): void {
    this.active--
    if (isFailure) this.failures++
  }
}

export function slotKey({ address, port }: Pick<Endpoint, 'address' | 'port'>): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
