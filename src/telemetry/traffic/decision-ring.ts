/** The last refusals and audits of one event loop. */
import type { TrafficDecision } from '#/model/traffic.ts'

export class DecisionRing {
  readonly #entries: TrafficDecision[] = []
  readonly #max: number
  readonly #source: string
  #sequence = 0

  /** @param source names this loop's life; @param max 1 or more. */
  constructor(source: string, max: number) {
    this.#source = source
    this.#max = max
  }

  add(decision: Omit<TrafficDecision, 'sequence' | 'source'>): void {
    this.#entries[this.#sequence % this.#max] = {
      ...decision,
      sequence: ++this.#sequence,
      source: this.#source,
    }
  }

  /** The oldest first. */
  get entries(): TrafficDecision[] {
    return [...this.#entries].sort((a, b) => a.sequence - b.sequence)
  }
}
