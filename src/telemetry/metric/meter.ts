/** Counters and gauges, one number a set of labels. Handles are resolved once and then cost an addition. */
import type { Family, LabelList, Sample } from './family.ts'

/** One number of a family. */
export class Meter {
  readonly labels: LabelList
  value = 0
  /** Clock.monotonicMs of the last use, for those that forget idle series. */
  usedMs = 0

  constructor(labels: LabelList) {
    this.labels = labels
  }

  add(amount: number): void {
    this.value += amount
  }
}

export interface MeterOptions {
  name: string
  help: string
  type: 'counter' | 'gauge'
  labelNames?: readonly string[]
  /** Series beyond this are one series with all labels `overflow`. */
  seriesMax?: number
}

export class MeterFamily implements Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly #labelNames: readonly string[]
  readonly #seriesMax: number
  readonly #meters = new Map<string, Meter>()

  constructor({ name, help, type, labelNames = [], seriesMax = 1000 }: MeterOptions) {
    this.name = name
    this.help = help
    this.type = type
    this.#labelNames = labelNames
    this.#seriesMax = seriesMax
  }

  get size(): number {
    return this.#meters.size
  }

  /** The series with these values, in the order of the label names. Costs one lookup when there is a single label. */
  with(...values: readonly string[]): Meter {
    const key = values.length === 1 ? values[0]! : values.join('\0')
    const known = this.#meters.get(key)
    if (known) return known
    if (this.#meters.size >= this.#seriesMax) return this.#overflow()
    return this.#create(key, values)
  }

  #overflow(): Meter {
    const values = this.#labelNames.map(() => 'overflow')
    const key = values.join('\0')
    return this.#meters.get(key) ?? this.#create(key, values)
  }

  #create(key: string, values: readonly string[]): Meter {
    const meter = new Meter(this.#labelNames.flatMap((name, i) => [name, values[i] ?? '']))
    this.#meters.set(key, meter)
    return meter
  }

  /** Forgets the series that the caller calls idle. Their handles must not be used again. */
  forget(isIdle: (meter: Meter) => boolean): void {
    for (const [key, meter] of this.#meters) if (isIdle(meter)) this.#meters.delete(key)
  }

  *samples(): Iterable<Sample> {
    for (const { labels, value } of this.#meters.values()) yield { suffix: '', labels, le: '', value }
  }
}

/** A family whose numbers are asked for when somebody reads them. */
export class CollectedFamily implements Family {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge'
  readonly #collect: () => Iterable<readonly [labels: LabelList, value: number]>

  constructor(
    options: Pick<MeterOptions, 'name' | 'help' | 'type'>,
    collect: () => Iterable<readonly [labels: LabelList, value: number]>,
  ) {
    this.name = options.name
    this.help = options.help
    this.type = options.type
    this.#collect = collect
  }

  *samples(): Iterable<Sample> {
    for (const [labels, value] of this.#collect()) yield { suffix: '', labels, le: '', value }
  }
}
