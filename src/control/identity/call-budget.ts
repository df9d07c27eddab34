/** How often one caller may ask: a bucket of tokens each, filled steadily. What is bounded is also the number of buckets. */
import type { Clock } from '#/std/clock.ts'

export interface CallBudgetOptions {
  /** Calls at once. */
  burst: number
  /** A further call each, ms. */
  refillMs: number
  /** Callers that are remembered; the one unseen for longest makes room. */
  callersMax: number
  clock: Clock
}

export class CallBudget {
  readonly #options: CallBudgetOptions
  /** In the order of their last call. */
  readonly #buckets = new Map<string, { level: number; atMs: number }>()

  constructor(options: CallBudgetOptions) {
    this.#options = options
  }

  /** @returns false when the caller has asked too often. */
  take(caller: string): boolean {
    const { burst, refillMs, callersMax, clock } = this.#options
    const nowMs = clock.monotonicMs()
    const bucket = this.#buckets.get(caller) ?? { level: burst, atMs: nowMs }
    bucket.level = Math.min(burst, bucket.level + (nowMs - bucket.atMs) / refillMs)
    bucket.atMs = nowMs
    this.#buckets.delete(caller)
    this.#buckets.set(caller, bucket)
    if (this.#buckets.size > callersMax) this.#buckets.delete(this.#buckets.keys().next().value!)
    if (bucket.level < 1) return false
    bucket.level--
    return true
  }
}
