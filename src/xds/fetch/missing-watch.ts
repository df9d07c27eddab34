/**
 * State of the world has no word for "does not exist": silence is taken for it (xDS protocol, "Knowing when a requested resource
 * does not exist").
 */
import type { Clock, Timer } from '#/std/clock.ts'
import type { ResourceKind } from '../resources/resource.ts'
import type { TypeState } from './type-state.ts'

/** After this time without an answer a named resource does not exist, ms. */
const missingAfterMs = 15_000

export class MissingWatch {
  readonly #clock: Clock
  readonly #timers = new Map<string, Timer>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The resource has been asked for. */
  expect(type: TypeState<ResourceKind>, name: string): void {
    const key = `${type.kind} ${name}`
    if (type.known.find(name) || this.#timers.has(key)) return
    const onLate = (): void => {
      this.#timers.delete(key)
      if (!type.known.find(name)) type.notifyMissing(name, [])
    }
    this.#timers.set(key, this.#clock.after(missingAfterMs, onLate, true))
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }
}
