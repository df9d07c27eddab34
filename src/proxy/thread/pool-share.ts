/** What a pool of one event loop has of a limit that all loops share. Held while the pool has anything to do with it. */
import type { TimerWheel } from '#/codec/timer-wheel.ts'
import { WheelTimer } from '#/codec/timer-wheel.ts'
import type { LimitTable, SharedLimit } from './limit-table.ts'

/** The pool. */
export interface ShareOwner {
  /** There may be room: those who wait may try again. */
  onShare(): void
  /** Gives up to so many idle connections back. */
  onOwed(connections: number): void
}

export interface PoolShareOptions {
  table: LimitTable
  key: string
  max: number
  wheel: TimerWheel
  owner: ShareOwner
}

/** How often those who wait look whether another loop has left something, ms. */
const lookMs = 20

export class PoolShare {
  readonly #options: PoolShareOptions
  readonly #look: WheelTimer
  readonly #onStir = (): void => {
    const { owner } = this.#options
    if (this.isOwed(true)) owner.onOwed(this.othersWaiting)
    else if (this.#limit!.waiting > 0) owner.onShare()
  }
  #limit: SharedLimit | undefined

  constructor(options: PoolShareOptions) {
    this.#options = options
    this.#look = new WheelTimer(() => this.#options.owner.onShare())
  }

  /** One connection more; `give` what was got. */
  take(): boolean {
    return this.#held().take(this.#options.max)
  }

  give(): void {
    if (this.#limit === undefined) return
    this.#limit.give()
    if (this.#limit.othersWaiting > 0) this.#limit.stir()
  }

  /** Whether there is none left for this loop. */
  get isFull(): boolean {
    return this.#held().isFull(this.#options.max)
  }

  get othersWaiting(): number {
    return this.#limit?.othersWaiting ?? 0
  }

  /** @param isIdle nobody waits for it here. */
  isOwed(isIdle: boolean): boolean {
    return this.#limit?.isOwed(this.#options.max, isIdle) ?? false
  }

  /** @param waiting requests for which no connection is on its way. */
  tell(waiting: number): void {
    if (this.#limit === undefined) return
    this.#limit.waiting = Math.max(0, waiting)
    if (waiting <= 0) {
      this.#options.wheel.cancel(this.#look)
      return
    }
    // Not at each of many: what is stirred stirs nobody in turn.
    if (this.#look.slot >= 0) return
    this.#limit.stir()
    this.#options.wheel.set(this.#look, lookMs)
  }

  /** The pool has nothing left. */
  close(): void {
    if (this.#limit === undefined) return
    this.#options.wheel.cancel(this.#look)
    this.#limit.watchers.delete(this.#onStir)
    this.#options.table.release(this.#limit)
    this.#limit = undefined
  }

  #held(): SharedLimit {
    if (this.#limit === undefined) {
      this.#limit = this.#options.table.open(this.#options.key)
      this.#limit.watchers.add(this.#onStir)
    }
    return this.#limit
  }
}
