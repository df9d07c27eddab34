/**
 * Many timers for the price of one: entries hang in slots by the tick at which they fall due, and a single system timer
 * moves from tick to tick while any entry waits. Setting and cancelling cost a few assignments; precision is one tick.
 * Source: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels" (1987), scheme 6.
 */
import type { Clock, Timer } from '#/std/clock.ts'
import { systemClock } from '#/std/clock.ts'

const slotCount = 512

/** An entry of a wheel. Make one for each thing that can time out and set it again and again; it is not garbage. */
export class WheelTimer {
  readonly run: () => void
  /** Internal to the wheel. */
  next: WheelTimer | undefined
  previous: WheelTimer | undefined
  slot = -1
  dueTick = 0

  constructor(run: () => void) {
    this.run = run
  }
}

export class TimerWheel {
  readonly #clock: Clock
  readonly #tickMs: number
  readonly #slots: (WheelTimer | undefined)[] = new Array(slotCount).fill(undefined)
  #count = 0
  #tick = 0
  #startMs = 0
  #timer: Timer | undefined
  #isAdvancing = false

  /** @param options.tickMs precision, ms: 20 suits timeouts of requests, 1000 those of idle connections. */
  constructor(options: { tickMs: number; clock?: Clock }) {
    this.#tickMs = options.tickMs
    this.#clock = options.clock ?? systemClock
  }

  /** Entries that wait. */
  get size(): number {
    return this.#count
  }

  /** Fires `timer.run` once after `delayMs` (at the next tick after it). A timer that waits already is moved. */
  set(timer: WheelTimer, delayMs: number): void {
    if (timer.slot >= 0) this.cancel(timer)
    const nowMs = this.#clock.monotonicMs()
    // Not while ticks are counted: a timer that sets the next one would move the origin under them.
    if (this.#count === 0 && !this.#timer && !this.#isAdvancing) {
      this.#startMs = nowMs
      this.#tick = 0
    }
    timer.dueTick = Math.max(this.#tick + 1, Math.ceil((nowMs - this.#startMs + delayMs) / this.#tickMs))
    const slot = timer.dueTick % slotCount
    const head = this.#slots[slot]
    timer.slot = slot
    timer.next = head
    timer.previous = undefined
    if (head) head.previous = timer
    this.#slots[slot] = timer
    this.#count++
    if (!this.#timer && !this.#isAdvancing) this.#arm()
  }

  /** Without effect on a timer that does not wait. */
  cancel(timer: WheelTimer): void {
    if (timer.slot < 0) return
    if (timer.previous) timer.previous.next = timer.next
    else this.#slots[timer.slot] = timer.next
    if (timer.next) timer.next.previous = timer.previous
    timer.next = undefined
    timer.previous = undefined
    timer.slot = -1
    this.#count--
  }

  #arm(): void {
    this.#timer = this.#clock.after(this.#tickMs, () => this.#advance(), true)
  }

  #advance(): void {
    this.#timer = undefined
    const target = Math.floor((this.#clock.monotonicMs() - this.#startMs) / this.#tickMs)
    // After a long sleep every slot is visited once at most: each visit looks at all that is due by then.
    const last = Math.min(target, this.#tick + slotCount)
    this.#isAdvancing = true
    try {
      for (let tick = this.#tick + 1; tick <= last; tick++) this.#fire(tick % slotCount, target)
    } finally {
      // Also after a timer that threw: the others still wait.
      this.#isAdvancing = false
      this.#tick = Math.max(this.#tick, target)
      if (this.#count > 0) this.#arm()
    }
  }

  #fire(slot: number, target: number): void {
    for (let timer = this.#slots[slot]; timer; ) {
      const next = timer.next
      if (timer.dueTick <= target) {
        this.cancel(timer)
        timer.run()
      }
      // A timer that ran may have cancelled or moved the next one: start the slot over then.
      timer = next && next.slot !== slot ? this.#slots[slot] : next
    }
  }
}
