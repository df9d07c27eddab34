/** How long to wait before trying again. */
import type { Random } from './random.ts'
import { systemRandom } from './random.ts'

export interface BackoffOptions {
  /** The longest first wait, ms. */
  initialMs: number
  /** No wait is longer, ms. */
  maxMs: number
  /** Growth of the longest wait from attempt to attempt; 2 doubles it. */
  factor?: number
  random?: Random
}

/**
 * Exponential backoff with equal jitter: each wait lies between half of the step and the step.
 * `next()` gives the wait of the next attempt in ms, `reset()` starts over after a success.
 */
export class Backoff {
  readonly #options: Required<BackoffOptions>
  #attempt = 0

  constructor(options: BackoffOptions) {
    this.#options = { factor: 2, random: systemRandom, ...options }
  }

  get attempt(): number {
    return this.#attempt
  }

  next(): number {
    const { initialMs, maxMs, factor, random } = this.#options
    const step = Math.min(maxMs, initialMs * factor ** this.#attempt)
    this.#attempt++
    return step / 2 + (random() * step) / 2
  }

  reset(): void {
    this.#attempt = 0
  }
}
