/**
 * Going away without costing anyone a request.
 *
 *   serving ──drain()──▶ leaving: not ready, inbound still taken, for others learn of it a moment later
 *                           │ drainDelayMs
 *                           ▼
 *                        closing: inbound takes no more, answers say `connection: close`; outbound still serves the
 *                           │     application, which may call others to finish its own work
 *                           ▼ nothing under way, or drainMs are over
 *                        done
 */
import type { Clock } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'

/** What drains; `ListenerSet` in production. */
export interface Drainable {
  /** Requests under way in both directions. */
  readonly active: number
  stopAccepting(direction: 'inbound' | 'outbound'): void
  drain(direction: 'inbound' | 'outbound'): void
}

export interface DrainOptions {
  listeners: Drainable
  clock: Clock
  log: Log
  /** ms. */
  drainDelayMs: number
  /** ms, from the start. */
  drainMs: number
}

export type DrainState = 'serving' | 'leaving' | 'closing' | 'done'

/** How often it is asked whether anything is under way, ms. */
const pollMs = 50

export class Drain {
  readonly #options: DrainOptions
  #state: DrainState = 'serving'
  #done: Promise<void> | undefined

  constructor(options: DrainOptions) {
    this.#options = options
  }

  get state(): DrainState {
    return this.#state
  }

  get isDraining(): boolean {
    return this.#state !== 'serving'
  }

  /** Resolves when the process may end. Further calls share the first one's end. */
  start(): Promise<void> {
    this.#done ??= this.#run()
    return this.#done
  }

  async #run(): Promise<void> {
    const { listeners, clock, log, drainDelayMs, drainMs } = this.#options
    const endMs = clock.monotonicMs() + drainMs
    this.#state = 'leaving'
    log.info('draining: not ready from now on', { drainDelayMs, drainMs })
    await this.#wait(Math.min(drainDelayMs, drainMs))
    this.#state = 'closing'
    listeners.stopAccepting('inbound')
    listeners.drain('inbound')
    // Quiet for a moment in both directions: the application has finished, or never had anything to do.
    const quietMs = Math.min(drainDelayMs, 500)
    for (let quietSinceMs = clock.monotonicMs(); clock.monotonicMs() < endMs; ) {
      if (listeners.active > 0) quietSinceMs = clock.monotonicMs()
      else if (clock.monotonicMs() - quietSinceMs >= quietMs) break
      await this.#wait(pollMs)
    }
    // Counted before the idle connections are closed: one that is closing is no longer idle.
    const { active } = listeners
    listeners.stopAccepting('outbound')
    listeners.drain('outbound')
    if (active > 0) log.warn('requests under way are cut: the time to drain is over', { active })
    this.#state = 'done'
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.after(delayMs, resolve))
  }
}
