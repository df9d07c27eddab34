/** Any endpoint, in proportion to weight, without memory. */
import type { Endpoint } from '#/model/endpoint.ts'
import type { Random } from '#/std/random.ts'
import type { Balancer } from './balancer.ts'
import type { EndpointSlot } from './endpoint-slot.ts'
import { type SlotChange, SlotTable } from './slot-table.ts'
import { WeightedDraw } from './weighted-draw.ts'

export class RandomBalancer<Attachment> implements Balancer<Attachment> {
  readonly #random: Random
  readonly #table = new SlotTable<Attachment>()
  #draw = new WeightedDraw<Attachment>([], true)

  constructor(random: Random) {
    this.#random = random
  }

  get slots(): ReadonlyMap<string, EndpointSlot<Attachment>> {
    return this.#table.slots
  }

  get size(): number {
    return this.#table.choices.length
  }

  update(endpoints: readonly Endpoint[]): SlotChange<Attachment> {
    const change = this.#table.update(endpoints)
    this.#draw = new WeightedDraw(this.#table.choices, this.#table.hasEqualWeights)
    return change
  }

  refresh(panicPercent: number): void {
    this.#table.refresh(panicPercent)
    this.#draw = new WeightedDraw(this.#table.choices, this.#table.hasEqualWeights)
  }

  pick(exclude?: readonly EndpointSlot<Attachment>[]): EndpointSlot<Attachment> | undefined {
    const { choices } = this.#table
    if (choices.length === 0) return undefined
    if (exclude !== undefined && exclude.length > 0) return this.#draw.drawExcept(exclude, this.#random)
    return choices[this.#draw.draw(this.#random)]
  }
}
