/**
 * Time as a value that is passed in, so that a simulation can run production code on a clock of its own.
 * Nothing outside this file calls `Date.now`, `performance.now` or `setTimeout` for a decision that a test may want to steer.
 */

/** A timer that was set; `cancel` may be called any number of times. */
export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Milliseconds that only grow; the origin means nothing. For durations. */
  monotonicMs(): number
  /** Milliseconds since 1970, as the machine tells it. For logs and certificates. */
  wallMs(): number
  /** Calls `run` once after `delayMs` (0 or more). A pending timer keeps the process alive unless `isBackground`. */
  after(delayMs: number, run: () => void, isBackground?: boolean): Timer
}

/** Held here: as a global it is a getter that would be called with each look at the time. */
const { performance } = globalThis

/** The machine's own clock. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, run, isBackground = false) {
    const handle = setTimeout(run, delayMs)
    if (isBackground) handle.unref()
    return { cancel: () => clearTimeout(handle) }
  },
}

/** A clock that stands still until `advance` is called; timers fire in order of their time. */
export class ManualClock implements Clock {
  #nowMs: number
  #sequence = 0
  readonly #timers = new Map<number, { atMs: number; run: () => void }>()

  constructor(startMs = 0) {
    this.#nowMs = startMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  wallMs(): number {
    return this.#nowMs
  }

  after(delayMs: number, run: () => void): Timer {
    const id = this.#sequence++
    this.#timers.set(id, { atMs: this.#nowMs + delayMs, run })
    return { cancel: () => this.#timers.delete(id) }
  }

  /** Moves time forward and fires what falls due, also timers that were set on the way. */
  advance(byMs: number): void {
    const endMs = this.#nowMs + byMs
    for (;;) {
      let next: [number, { atMs: number; run: () => void }] | undefined
      for (const entry of this.#timers)
        if (entry[1].atMs <= endMs && (!next || entry[1].atMs < next[1].atMs)) next = entry
      if (!next) break
      this.#timers.delete(next[0])
      this.#nowMs = next[1].atMs
      next[1].run()
    }
    this.#nowMs = endMs
  }
}
