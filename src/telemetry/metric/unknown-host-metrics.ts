/** Calls to hosts that nobody knows: the bounded list that `weft egress report` reads of each sidecar. */
import { ownText } from '#/codec/own-text.ts'
import type { UnknownHostOutcome } from '#/proxy/events.ts'
import type { MeterFamily } from './meter.ts'
import type { Registry } from './registry.ts'

export const unknownHostMetric = 'weft_proxy_unknown_host_calls_total'

/** A name of DNS (RFC 1035 section 2.3.4) and a port; a client can write more than anybody wants to keep. */
const hostLengthMax = 260

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
    const meter = this.#calls.with(ownText(host.slice(0, hostLengthMax)), kind, outcome)
    meter.value++
    meter.usedMs = nowMs
  }

  /** Forgets what was idle since `beforeMs`. */
  sweep(beforeMs: number): void {
    this.#calls.forget((meter) => meter.usedMs < beforeMs)
  }
}
