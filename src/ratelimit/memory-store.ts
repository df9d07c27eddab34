/** Counters in this process: for one service alone. */
import type { Clock } from '#/std/clock.ts'
import type { CounterAnswer, CounterAsk, CounterStore } from './counter-store.ts'
import { newCounter, takeFromWindow, type WindowCounter } from './sliding-window.ts'

interface Held extends WindowCounter {
  /** From then on it says nothing any more, ms. */
  staleMs: number
}

export class MemoryStore implements CounterStore {
  readonly isReady = true
  readonly #clock: Clock
  readonly #countersMax: number
  /** In the order of their last use. */
  readonly #counters = new Map<string, Held>()

  /** @param countersMax beyond it the counter that was not used for longest is forgotten. */
  constructor({ clock, countersMax }: { clock: Clock; countersMax: number }) {
    this.#clock = clock
    this.#countersMax = countersMax
  }

  get size(): number {
    return this.#counters.size
  }

  async take(asks: readonly CounterAsk[]): Promise<CounterAnswer[]> {
    return asks.map((ask) => this.#take(ask))
  }

  close(): void {
    this.#counters.clear()
  }

  #take({ key, limit, hits }: CounterAsk): CounterAnswer {
    const nowMs = this.#clock.wallMs()
    const { requests, windowMs } = limit
    let counter = this.#counters.get(key)
    if (counter) this.#counters.delete(key)
    else {
      this.#makeRoom(nowMs)
      counter = { ...newCounter(), staleMs: 0 }
    }
    this.#counters.set(key, counter)
    counter.staleMs = nowMs + 2 * windowMs
    const { granted, remaining, resetMs } = takeFromWindow(counter, { requests, windowMs, hits, count: 1 }, nowMs)
    return { isGranted: granted === 1, remaining, resetMs }
  }

  /** Stale ones from the front go with it, so that quiet keys don't stay for ever. */
  #makeRoom(nowMs: number): void {
    for (const [key, { staleMs }] of this.#counters) {
      if (staleMs > nowMs && this.#counters.size < this.#countersMax) return
      this.#counters.delete(key)
    }
  }
}
