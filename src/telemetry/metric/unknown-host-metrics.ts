/** Calls to hosts that nobody knows: the bounded list that `weft egress report` reads of each sidecar. */
import type { UnknownHostOutcome } from '#/proxy/events.ts'
import type { MeterFamily } from './meter.ts'
import type { Registry } from './registry.ts'

export const unknownHostMetric = 'weft_proxy_unknown_host_calls_total'

export class UnknownHostMetrics {
  readonly #calls: MeterFamily

  /** @param hostsMax series at most; calls to further hosts are counted under `overflow`. */
  constructor(registry: Registry, hostsMax: number) {
    this.#calls = registry.meters({
      name: unknownHostMetric,
      help: 'Calls to hosts that are neither Services nor ExternalServices.',
      type: 'counter',
      labelNames: ['host', 'kind', 'outcome'],
      seriesMax: hostsMax,
    })
  }

  onCall(
    host: string,
    { kind, outcome, nowMs }: { kind: 'request' | 'stream'; outcome: UnknownHostOutcome; nowMs: number },
  ): void {
    const meter = this.#calls.with(host, kind, outcome)
    meter.value++
    meter.usedMs = nowMs
  }

  /** Forgets what was idle since `beforeMs`. */
  sweep(beforeMs: number): void {
    this.#calls.forget((meter) => meter.usedMs < beforeMs)
  }
}
