/**
 * How long one endpoint takes to answer: an average that follows a rise at once and a fall slowly, so that a slow endpoint is seen by
 * its first slow answer (Finagle's Peak EWMA).
 */
import type { Clock } from '#/std/clock.ts'

/** In which an old answer loses all but 1/e of its weight (Finagle's default), ms. */
const memoryMs = 10_000
/** What a failure counts for: one that fails at once must not look fast. */
const failureMs = 1000

export class PeakLatency {
  readonly #clock: Clock
  #latencyMs = 0
  #seenMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** An attempt begins. @returns what `end` asks for. */
  begin(): number {
    return this.#clock.monotonicMs()
  }

  end(beganMs: number, isFailure: boolean): void {
    const nowMs = this.#clock.monotonicMs()
    const tookMs = isFailure ? Math.max(failureMs, nowMs - beganMs) : nowMs - beganMs
    const kept = Math.exp((this.#seenMs - nowMs) / memoryMs)
    const latencyMs = tookMs > this.#latencyMs ? tookMs : this.#latencyMs * kept + tookMs * (1 - kept)
    // Never 0 again, which means that nothing is known.
    this.#latencyMs = Math.max(1e-3, latencyMs)
    this.#seenMs = nowMs
  }

  /** Less with time, so that one that was slow is tried again; 0 where nothing is known. @param nowMs by the same clock. */
  at(nowMs: number): number {
    return this.#latencyMs === 0 ? 0 : this.#latencyMs * Math.exp((this.#seenMs - nowMs) / memoryMs)
  }
}
