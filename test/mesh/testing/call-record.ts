/** Calls of a load, each with its time and its outcome, to tell since when one outcome is the only one. */

export interface Call {
  /** When it began, on the clock of `performance.now()`, ms. */
  startMs: number
  /** Of the answer, or of the failure. */
  outcome: string
}

export class CallRecord {
  readonly calls: Call[] = []
  /** When the latest call of each outcome began. */
  readonly #latestMs = new Map<string, number>()

  add(startMs: number, outcome: string): void {
    this.calls.push({ startMs, outcome })
    this.#latestMs.set(outcome, Math.max(startMs, this.#latestMs.get(outcome) ?? 0))
  }

  /** How many calls had each outcome. */
  get counts(): Record<string, number> {
    const counts: Record<string, number> = {}
    for (const { outcome } of this.calls) counts[outcome] = (counts[outcome] ?? 0) + 1
    return counts
  }

  /** The calls from the first on of which all, in the order in which they began, had that outcome. */
  since(outcome: string): Call[] {
    const others = [...this.#latestMs].filter(([each]) => each !== outcome).map(([, latestMs]) => latestMs)
    const lastOtherMs = Math.max(0, ...others)
    return this.calls.filter(({ startMs }) => startMs > lastOtherMs).sort((a, b) => a.startMs - b.startMs)
  }
}
