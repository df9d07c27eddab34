/** Token buckets against frames that cost the sender nothing (RFC 9113 section 10.5). */
import type { Clock } from '#/std/clock.ts'

export class FloodGuard {
  readonly #burst: number
  readonly #perSecond: number
  readonly #clock: Clock
  #tokens: number
  #filledMs = 0

  /** @param options.burst at once; @param options.perSecond afterwards. */
  constructor(options: { burst: number; perSecond: number; clock: Clock }) {
    this.#burst = options.burst
    this.#perSecond = options.perSecond
    this.#clock = options.clock
    this.#tokens = options.burst
  }

  /** @returns false when there were too many. The clock is asked only when the bucket seems empty. */
  take(): boolean {
    if (this.#tokens < 1) this.#fill()
    if (this.#tokens < 1) return false
    if (this.#tokens === this.#burst) this.#filledMs = this.#clock.monotonicMs()
    this.#tokens--
    return true
  }

  /** What was of use pays for as much that was not: a connection that carries a lot may also ping a lot. */
  earn(tokens: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + tokens)
  }

  #fill(): void {
    const nowMs = this.#clock.monotonicMs()
    this.#tokens = Math.min(this.#burst, this.#tokens + ((nowMs - this.#filledMs) / 1000) * this.#perSecond)
    this.#filledMs = nowMs
  }
}
