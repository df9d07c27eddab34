/**
 * The less busy of two endpoints drawn at random (power of two choices; Mitzenmacher 2001), which spreads load nearly as
 * well as looking at all of them, at constant cost and without every proxy running to the same idle endpoint.
 */
import type { Endpoint } from '#/model/endpoint.ts'
import { pickIndex, type Random } from '#/std/random.ts'
import type { Balancer } from './balancer.ts'
import type { EndpointSlot } from './endpoint-slot.ts'
import { type SlotChange, SlotTable } from './slot-table.ts'
import { WeightedDraw } from './weighted-draw.ts'

export class LeastRequestBalancer<Attachment> implements Balancer<Attachment> {
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
    const { choices, hasEqualWeights } = this.#table
    if (choices.length <= 1 && !exclude?.length) return choices[0]
    if (exclude !== undefined && exclude.length > 0) return this.#pickExcept(exclude)
    const one = this.#draw.draw(this.#random)
    if (!hasEqualWeights) return this.better(choices[one]!, choices[this.#draw.draw(this.#random)]!)
    // With equal weights the second is drawn from the others, so that two different ones are always compared.
    const other = pickIndex(this.#random, choices.length - 1)
    return this.better(choices[one]!, choices[other < one ? other : other + 1]!)
  }

  #pickExcept(exclude: readonly EndpointSlot<Attachment>[]): EndpointSlot<Attachment> | undefined {
    const one = this.#draw.drawExcept(exclude, this.#random)
    const other = this.#draw.drawExcept(exclude, this.#random)
    return one && other && this.better(one, other)
  }

  /**
   * Fewer requests under way for its weight; the first drawn when equal. Weight counts in the drawing too, so that idle
   * endpoints get shares exact to weight: comparing `(active + 1) / weight` would give a light endpoint far less than that.
   */
  protected better(one: EndpointSlot<Attachment>, other: EndpointSlot<Attachment>): EndpointSlot<Attachment> {
    return other.active * one.endpoint.weight < one.active * other.endpoint.weight ? other : one
  }
}
