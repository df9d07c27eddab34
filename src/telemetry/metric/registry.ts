/** All metric families of a process, in the order in which they were declared. */
import type { Family, LabelList } from './family.ts'
import { CollectedFamily, MeterFamily, type MeterOptions } from './meter.ts'

export class Registry {
  readonly #families = new Map<string, Family>()

  get families(): Iterable<Family> {
    return this.#families.values()
  }

  /** @throws when the name is taken or breaks Prometheus' rules: a fault of ours, found at start. */
  add<F extends Family>(family: F): F {
    if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(family.name)) throw new Error(`metric name ${family.name} is not legal`)
    if (family.type === 'counter' && !family.name.endsWith('_total')) {
      throw new Error(`counter ${family.name} must end in _total (OpenMetrics)`)
    }
    if (this.#families.has(family.name)) throw new Error(`metric ${family.name} is declared twice`)
    this.#families.set(family.name, family)
    return family
  }

  meters(options: MeterOptions): MeterFamily {
    return this.add(new MeterFamily(options))
  }

  /** Numbers that are asked for when somebody reads them. */
  collected(
    options: Pick<MeterOptions, 'name' | 'help' | 'type'>,
    collect: () => Iterable<readonly [labels: LabelList, value: number]>,
  ): void {
    this.add(new CollectedFamily(options, collect))
  }

  /** One such number without labels. */
  gauge(name: string, help: string, read: () => number): void {
    this.collected({ name, help, type: 'gauge' }, () => [[none, read()]])
  }
}

const none: LabelList = []
