/** The same endpoint for the same key, as long as it is there; without a key any, by weight. */
import type { Endpoint } from '#/model/endpoint.ts'
import type { Random } from '#/std/random.ts'
import type { Balancer } from './balancer.ts'
import type { EndpointSlot } from './endpoint-slot.ts'
import type { BuildTable, HashTable } from './hash-table.ts'
import { type SlotChange, SlotTable } from './slot-table.ts'
import { WeightedDraw } from './weighted-draw.ts'

export class HashBalancer<Attachment> implements Balancer<Attachment> {
  readonly #random: Random
  readonly #build: BuildTable
  readonly #slots = new SlotTable<Attachment>()
  #draw = new WeightedDraw<Attachment>([], true)
  /** Made when the first key comes after a change: endpoints often change several times in a row. */
  #table: HashTable | undefined

  constructor(random: Random, build: BuildTable) {
    this.#random = random
    this.#build = build
  }

  get slots(): ReadonlyMap<string, EndpointSlot<Attachment>> {
    return this.#slots.slots
  }

  get size(): number {
    return this.#slots.choices.length
  }

  update(endpoints: readonly Endpoint[]): SlotChange<Attachment> {
    const change = this.#slots.update(endpoints)
    this.#prepare()
    return change
  }

  refresh(panicPercent: number): void {
    this.#slots.refresh(panicPercent)
    this.#prepare()
  }

  pick(exclude?: readonly EndpointSlot<Attachment>[], hash = -1): EndpointSlot<Attachment> | undefined {
    const { choices } = this.#slots
    if (choices.length === 0) return undefined
    const isExcluding = exclude !== undefined && exclude.length > 0
    if (hash >= 0) return this.#walk(hash, isExcluding ? exclude : none)
    return isExcluding ? this.#draw.drawExcept(exclude, this.#random) : choices[this.#draw.draw(this.#random)]
  }

  /** Behind what is excluded comes the same next one for the same key. */
  #walk(hash: number, exclude: readonly EndpointSlot<Attachment>[]): EndpointSlot<Attachment> | undefined {
    const { choices } = this.#slots
    this.#table ??= this.#build(choices)
    const { positions } = this.#table
    let at = this.#table.startOf(hash)
    for (let tried = 0; tried < positions.length; tried++) {
      const slot = choices[positions[at]!]!
      if (exclude.length === 0 || !exclude.includes(slot)) return slot
      at = at + 1 < positions.length ? at + 1 : 0
    }
    return undefined
  }

  #prepare(): void {
    this.#draw = new WeightedDraw(this.#slots.choices, this.#slots.hasEqualWeights)
    this.#table = undefined
  }
}

const none: readonly never[] = []
