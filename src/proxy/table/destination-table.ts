/**
 * The destinations that this proxy has learnt of because they were called. You pay for what you call: one that is idle is
 * forgotten, and the table has a size.
 */

import type { TimerWheel } from '#/codec/timer-wheel.ts'
import { WheelTimer } from '#/codec/timer-wheel.ts'
import type { Clock } from '#/std/clock.ts'
import type { DestinationOptions } from './destination.ts'
import { Destination } from './destination.ts'

export interface DestinationTableOptions extends Omit<DestinationOptions, 'name'> {
  clock: Clock
  wheel: TimerWheel
  limits: { destinationIdleMs: number; destinationMissingMs: number; destinationsMax: number }
}

export class DestinationTable {
  readonly #options: DestinationTableOptions
  readonly #destinations = new Map<string, Destination>()
  readonly #sweep = new WheelTimer(() => this.#forgetIdle())

  constructor(options: DestinationTableOptions) {
    this.#options = options
  }

  get destinations(): ReadonlyMap<string, Destination> {
    return this.#destinations
  }

  /**
   * The destination of that name, asked for when it is new; everyone who asks meanwhile shares it.
   * @param name `host:port` in lower case.
   */
  find(name: string, nowMs: number): Destination {
    let destination = this.#destinations.get(name)
    if (!destination) {
      if (this.#destinations.size >= this.#options.limits.destinationsMax) this.#makeRoom()
      destination = new Destination({ name, ...this.#options })
      this.#destinations.set(name, destination)
      if (this.#sweep.slot < 0) this.#options.wheel.set(this.#sweep, this.#sweepMs())
    }
    destination.usedMs = nowMs
    return destination
  }

  close(): void {
    this.#options.wheel.cancel(this.#sweep)
    for (const destination of this.#destinations.values()) destination.close()
    this.#destinations.clear()
  }

  /** One that is missing goes first, then the one unused for longest. */
  #makeRoom(): void {
    let worst: Destination | undefined
    for (const one of this.#destinations.values()) {
      if (one.waiting > 0) continue
      const isWorse =
        !worst ||
        (one.state === 'missing' && worst.state !== 'missing') ||
        ((one.state === 'missing') === (worst.state === 'missing') && one.usedMs < worst.usedMs)
      if (isWorse) worst = one
    }
    if (worst) this.#forget(worst)
  }

  #sweepMs(): number {
    const { destinationIdleMs, destinationMissingMs } = this.#options.limits
    return Math.min(destinationIdleMs, destinationMissingMs) / 2
  }

  #forgetIdle(): void {
    const { limits, clock, wheel } = this.#options
    const nowMs = clock.monotonicMs()
    for (const one of [...this.#destinations.values()]) {
      if (one.waiting > 0) continue
      const lifeMs = one.state === 'ready' ? limits.destinationIdleMs : limits.destinationMissingMs
      if (nowMs - one.usedMs >= lifeMs) this.#forget(one)
    }
    if (this.#destinations.size > 0) wheel.set(this.#sweep, this.#sweepMs())
  }

  #forget(destination: Destination): void {
    this.#destinations.delete(destination.name)
    destination.close()
  }
}
