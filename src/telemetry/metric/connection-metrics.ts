/** Connections in and out, and bytes that were no request. Labels come from config, so their number is bounded by it. */
import type { Meter, MeterFamily } from './meter.ts'
import type { Registry } from './registry.ts'

/** Connections of one listener or to one cluster. */
interface Gauged {
  active: MeterFamily
  total: MeterFamily
}

export class ConnectionMetrics {
  readonly #downstream: Gauged
  readonly #idleClosed: MeterFamily
  readonly #upstream: Gauged
  readonly #malformed: MeterFamily
  readonly #connectFailures: MeterFamily
  readonly #retries: MeterFamily

  constructor(registry: Registry) {
    const labelled = (type: 'counter' | 'gauge', name: string, help: string, ...labelNames: string[]) =>
      registry.meters({ name: `weft_proxy_${name}`, help, type, labelNames })
    this.#downstream = {
      active: labelled('gauge', 'connections_active', 'Open connections of clients.', 'listener'),
      total: labelled('counter', 'connections_total', 'Connections of clients ever taken.', 'listener'),
    }
    this.#malformed = labelled(
      'counter',
      'malformed_requests_total',
      'Requests refused for their bytes, by error code.',
      'listener',
      'code',
    )
    this.#idleClosed = labelled(
      'counter',
      'idle_connections_closed_total',
      'Connections of clients closed for want of a request.',
      'listener',
    )
    this.#upstream = {
      active: labelled('gauge', 'upstream_connections_active', 'Open connections to endpoints.', 'cluster'),
      total: labelled('counter', 'upstream_connections_total', 'Connections to endpoints ever made.', 'cluster'),
    }
    this.#connectFailures = labelled(
      'counter',
      'upstream_connect_failures_total',
      'Connections to endpoints that could not be made.',
      'cluster',
    )
    this.#retries = labelled('counter', 'retries_total', 'Attempts after the first of a request.', 'cluster')
  }

  onConnection(listener: string, nowMs: number): void {
    opened(this.#downstream, listener, nowMs)
  }

  onConnectionClosed(listener: string, nowMs: number): void {
    count(this.#downstream.active.with(listener), -1, nowMs)
  }

  onMalformed(listener: string, code: string, nowMs: number): void {
    count(this.#malformed.with(listener, code), 1, nowMs)
  }

  onIdleClosed(listener: string, nowMs: number): void {
    count(this.#idleClosed.with(listener), 1, nowMs)
  }

  onUpstreamConnection(cluster: string, nowMs: number): void {
    opened(this.#upstream, cluster, nowMs)
  }

  onUpstreamConnectionClosed(cluster: string, nowMs: number): void {
    count(this.#upstream.active.with(cluster), -1, nowMs)
  }

  onUpstreamConnectFailed(cluster: string, nowMs: number): void {
    count(this.#connectFailures.with(cluster), 1, nowMs)
  }

  onRetries(cluster: string, retries: number, nowMs: number): void {
    count(this.#retries.with(cluster), retries, nowMs)
  }

  /** Forgets what has no open connection and was idle since `beforeMs`: destinations that are called no more. */
  sweep(beforeMs: number): void {
    const isIdle = (meter: Meter): boolean => meter.usedMs < beforeMs
    const isClosed = (meter: Meter): boolean => isIdle(meter) && meter.value === 0
    for (const { active, total } of [this.#downstream, this.#upstream]) {
      active.forget(isClosed)
      total.forget((meter) => isIdle(meter) && active.with(meter.labels[1]!).value === 0)
      active.forget(isClosed)
    }
    for (const family of [this.#malformed, this.#idleClosed, this.#connectFailures, this.#retries])
      family.forget(isIdle)
  }
}

function opened({ active, total }: Gauged, label: string, nowMs: number): void {
  count(active.with(label), 1, nowMs)
  count(total.with(label), 1, nowMs)
}

function count(meter: Meter, amount: number, nowMs: number): void {
  meter.value += amount
  meter.usedMs = nowMs
}
