/**
 * Looks again and again, and says when something becomes ready or stops being so: thresholds and periods as a kubelet has
 * them, except that looks come quickly until the first success, since somebody waits at a terminal.
 */
import type { Clock, Timer } from '#/std/clock.ts'
import type { Look } from './probe.ts'

export interface Pace {
  initialDelayMs: number
  periodMs: number
  timeoutMs: number
  /** Looks in a row that it takes to change the mind. */
  successThreshold: number
  failureThreshold: number
}

/** What Kubernetes takes for what a probe leaves out. */
export function paceOf(probe: {
  initialDelaySeconds?: number | undefined
  periodSeconds?: number | undefined
  timeoutSeconds?: number | undefined
  successThreshold?: number | undefined
  failureThreshold?: number | undefined
}): Pace {
  return {
    initialDelayMs: (probe.initialDelaySeconds ?? 0) * 1000,
    periodMs: (probe.periodSeconds ?? 10) * 1000,
    timeoutMs: (probe.timeoutSeconds ?? 1) * 1000,
    successThreshold: probe.successThreshold ?? 1,
    failureThreshold: probe.failureThreshold ?? 3,
  }
}

/** Time between looks until the first success, ms. */
const eagerPeriodMs = 100

export class Readiness {
  readonly #look: Look
  readonly #pace: Pace
  readonly #clock: Clock
  readonly #onChange: (isReady: boolean, reason: string) => void
  #timer: Timer | undefined
  /** Counts runs, so that an answer that comes after `stop` is not heard. */
  #run = 0
  #isReady = false
  #wasReady = false
  #inRow = 0
  #reason = ''

  constructor(options: {
    look: Look
    pace: Pace
    clock: Clock
    onChange: (isReady: boolean, reason: string) => void
  }) {
    this.#look = options.look
    this.#pace = options.pace
    this.#clock = options.clock
    this.#onChange = options.onChange
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Why the last look failed; empty after a success. */
  get reason(): string {
    return this.#reason
  }

  /** The process has just started: nothing of what was known holds. */
  start(): void {
    this.stop()
    const run = this.#run
    this.#wasReady = false
    this.#timer = this.#clock.after(this.#pace.initialDelayMs, () => void this.#lookOnce(run))
  }

  /** The process has ended or is asked to: not ready from now on, without a word to `onChange`. */
  stop(): void {
    this.#run++
    this.#timer?.cancel()
    this.#isReady = false
    this.#inRow = 0
    this.#reason = ''
  }

  async #lookOnce(run: number): Promise<void> {
    const reason = await this.#look(this.#pace.timeoutMs)
    if (run !== this.#run) return
    const { periodMs } = this.#pace
    this.#count(reason)
    // An `onChange` may have stopped or restarted us.
    if (run !== this.#run) return
    const waitMs = this.#wasReady ? periodMs : Math.min(periodMs, eagerPeriodMs)
    this.#timer = this.#clock.after(waitMs, () => void this.#lookOnce(run))
  }

  #count(reason: string | undefined): void {
    const isSuccess = reason === undefined
    this.#reason = reason ?? ''
    this.#inRow = isSuccess === this.#isReady ? 0 : this.#inRow + 1
    const needed = isSuccess ? this.#pace.successThreshold : this.#pace.failureThreshold
    if (isSuccess === this.#isReady || this.#inRow < needed) return
    this.#inRow = 0
    this.#isReady = isSuccess
    if (isSuccess) this.#wasReady = true
    this.#onChange(isSuccess, this.#reason)
  }
}
