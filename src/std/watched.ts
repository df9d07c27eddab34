/**
 * A value that others watch: how the stages of the control plane meet, and how settings reach those who hold them.
 * Equal values are silent, a late subscriber gets the present, and bursts within a turn of the event loop are told once.
 */

export interface Watched<T> {
  /** The present value; undefined until the first `set`. */
  readonly value: T | undefined
  /** Calls `listener` with the present value (soon, if there is one) and then with each new one. Returns the way out. */
  subscribe(listener: (value: T) => void): () => void
}

export class WatchedValue<T> implements Watched<T> {
  readonly #isEqual: (a: T, b: T) => boolean
  readonly #listeners = new Map<(value: T) => void, T | undefined>()
  #value: T | undefined
  #isScheduled = false

  constructor(initial?: T, isEqual: (a: T, b: T) => boolean = Object.is) {
    this.#value = initial
    this.#isEqual = isEqual
  }

  get value(): T | undefined {
    return this.#value
  }

  set(value: T): void {
    if (this.#value !== undefined && this.#isEqual(this.#value, value)) return
    this.#value = value
    this.#schedule()
  }

  subscribe(listener: (value: T) => void): () => void {
    this.#listeners.set(listener, undefined)
    if (this.#value !== undefined) this.#schedule()
    return () => this.#listeners.delete(listener)
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      const value = this.#value
      if (value === undefined) return
      for (const [listener, told] of [...this.#listeners]) {
        if (told === value || !this.#listeners.has(listener)) continue
        this.#listeners.set(listener, value)
        listener(value)
      }
    })
  }
}
