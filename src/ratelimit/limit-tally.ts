/** What was granted and refused, by limit, and how Prometheus reads it. */
import type { Limit } from './limit-tree.ts'

interface Outcomes {
  granted: number
  refused: number
  /** Would have been refused, were it no shadow. */
  shadowed: number
}

export class LimitTally {
  readonly #limits = new Map<string, Outcomes>()
  /** Questions that found no counters. */
  storeFailures = 0

  /** Names come from the configuration alone, so that there are no more than it has limits. */
  count({ name, isShadow }: Limit, isGranted: boolean): void {
    let outcomes = this.#limits.get(name)
    if (!outcomes) {
      outcomes = { granted: 0, refused: 0, shadowed: 0 }
      this.#limits.set(name, outcomes)
    }
    outcomes[isGranted ? 'granted' : isShadow ? 'shadowed' : 'refused']++
  }

  /** @param isStoreReady of the counters, at this time. */
  exposition(isStoreReady: boolean): string {
    const lines = [
      '# HELP weft_ratelimit_decisions_total Descriptors that were asked for, by limit and outcome.',
      '# TYPE weft_ratelimit_decisions_total counter',
    ]
    for (const [name, outcomes] of this.#limits)
      for (const [outcome, count] of Object.entries(outcomes))
        lines.push(`weft_ratelimit_decisions_total{limit="${escaped(name)}",outcome="${outcome}"} ${count}`)
    lines.push(
      '# HELP weft_ratelimit_store_failures_total Questions for which no counters could be asked.',
      '# TYPE weft_ratelimit_store_failures_total counter',
      `weft_ratelimit_store_failures_total ${this.storeFailures}`,
      '# HELP weft_ratelimit_store_ready Whether counters can be asked.',
      '# TYPE weft_ratelimit_store_ready gauge',
      `weft_ratelimit_store_ready ${isStoreReady ? 1 : 0}`,
    )
    return `${lines.join('\n')}\n`
  }
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
