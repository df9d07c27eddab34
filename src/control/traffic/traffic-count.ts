/** How often something happened lately: by the minute for an hour, by the hour for a day, and in all. */

export const minuteMs = 60_000
export const hourMs = 3_600_000
const minutes = 60
const hours = 24

export class TrafficCount {
  total = 0
  readonly #minutes = new CountRing(minutes, minuteMs)
  readonly #hours = new CountRing(hours, hourMs)

  add(count: number, nowMs: number): void {
    this.total += count
    this.#minutes.add(count, nowMs)
    this.#hours.add(count, nowMs)
  }

  /** What happened since `fromMs`, to the minute within the last hour, to the hour within the last day, else everything. */
  since(fromMs: number, nowMs: number): number {
    if (nowMs - fromMs <= (minutes - 1) * minuteMs) return this.#minutes.since(fromMs, nowMs)
    if (nowMs - fromMs <= (hours - 1) * hourMs) return this.#hours.since(fromMs, nowMs)
    return this.total
  }

  /** For the file: counts by hour, the present one first. Minutes are not worth it. */
  hours(nowMs: number): number[] {
    return this.#hours.newestFirst(nowMs)
  }

  restore({ total, hours: counts, savedMs }: { total: number; hours: readonly number[]; savedMs: number }): void {
    this.total = total
    for (let age = Math.min(counts.length, hours) - 1; age >= 0; age--)
      this.#hours.add(counts[age]!, savedMs - age * hourMs)
  }
}

class CountRing {
  readonly #slots: Float64Array
  readonly #stepMs: number
  /** Number of the newest slot since 1970. */
  #newest = 0

  constructor(length: number, stepMs: number) {
    this.#slots = new Float64Array(length)
    this.#stepMs = stepMs
  }

  add(count: number, nowMs: number): void {
    this.#turn(nowMs)
    const step = Math.floor(nowMs / this.#stepMs)
    // A clock that was set back must not count into what is to come.
    this.#slots[Math.max(0, step) % this.#slots.length]! += count
  }

  since(fromMs: number, nowMs: number): number {
    this.#turn(nowMs)
    const oldest = Math.max(Math.floor(fromMs / this.#stepMs), this.#newest - this.#slots.length + 1)
    let sum = 0
    for (let step = Math.max(0, oldest); step <= this.#newest; step++) sum += this.#slots[step % this.#slots.length]!
    return sum
  }

  newestFirst(nowMs: number): number[] {
    this.#turn(nowMs)
    const { length } = this.#slots
    const counts = Array.from({ length }, (_, age) => this.#slots[(((this.#newest - age) % length) + length) % length]!)
    while (counts.at(-1) === 0) counts.pop()
    return counts
  }

  /** Empties what has become too old. */
  #turn(nowMs: number): void {
    const step = Math.floor(nowMs / this.#stepMs)
    if (step <= this.#newest) return
    const { length } = this.#slots
    if (step - this.#newest >= length) this.#slots.fill(0)
    else for (let next = this.#newest + 1; next <= step; next++) this.#slots[next % length] = 0
    this.#newest = step
  }
}
