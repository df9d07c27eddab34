/**
 * Endpoints in turn. With unequal weights it is nginx's smooth weighted round robin: in each round every endpoint gains
 * its weight and the richest is chosen and pays the sum, so a heavy endpoint's turns lie apart instead of in a row. The
 * running values stand in the slots and the turn goes on behind the slot chosen last, so an update of the list does not
 * begin anew. It begins at a random place: many proxies that start together must not all call the same endpoint first.
 */
import type { Endpoint } from '#/model/endpoint.ts'
import { pickIndex, type Random } from '#/std/random.ts'
import type { Balancer } from './balancer.ts'
import type { EndpointSlot } from './endpoint-slot.ts'
import { type SlotChange, SlotTable } from './slot-table.ts'

export class RoundRobinBalancer<Attachment> implements Balancer<Attachment> {
  readonly #random: Random
  readonly #table = new SlotTable<Attachment>()
  /** Position of the next turn, with equal weights. */
  #next = 0

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
    const before = this.#table.choices
    const change = this.#table.update(endpoints)
    this.#goOn(before)
    return change
  }

  refresh(panicPercent: number): void {
    const before = this.#table.choices
    this.#table.refresh(panicPercent)
    this.#goOn(before)
  }

  #goOn(before: readonly EndpointSlot<Attachment>[]): void {
    const { choices, hasEqualWeights } = this.#table
    this.#next = this.#turnAfter(before, choices)
    if (hasEqualWeights) for (const slot of choices) slot.currentWeight = 0
    else if (before.length === 0) this.#scatter(choices)
  }

  /** The first endpoint, in the old order from the next turn on, that is still there. */
  #turnAfter(before: readonly EndpointSlot<Attachment>[], choices: readonly EndpointSlot<Attachment>[]): number {
    for (let i = 0; i < before.length; i++) {
      const position = choices.indexOf(before[(this.#next + i) % before.length]!)
      if (position >= 0) return position
    }
    return choices.length > 0 ? pickIndex(this.#random, choices.length) : 0
  }

  /** A random point of the weighted round: the running values a number of turns on. */
  #scatter(choices: readonly EndpointSlot<Attachment>[]): void {
    for (const slot of choices) slot.currentWeight = 0
    for (let turns = pickIndex(this.#random, Math.min(choices.length * 2, 64)); turns > 0; turns--)
      this.#pickSmooth(none)
  }

  pick(exclude: readonly EndpointSlot<Attachment>[] = none): EndpointSlot<Attachment> | undefined {
    const { choices, hasEqualWeights } = this.#table
    if (!hasEqualWeights) return this.#pickSmooth(exclude)
    for (let tried = 0; tried < choices.length; tried++) {
      const slot = choices[this.#next]!
      this.#next = this.#next + 1 < choices.length ? this.#next + 1 : 0
      if (exclude.length === 0 || !exclude.includes(slot)) return slot
    }
    return undefined
  }

  #pickSmooth(exclude: readonly EndpointSlot<Attachment>[]): EndpointSlot<Attachment> | undefined {
    let sum = 0
    let richest: EndpointSlot<Attachment> | undefined
    for (const slot of this.#table.choices) {
      if (exclude.length > 0 && exclude.includes(slot)) continue
      const { weight } = slot.endpoint
      sum += weight
      slot.currentWeight += weight
      if (richest === undefined || slot.currentWeight > richest.currentWeight) richest = slot
    }
    if (richest !== undefined) richest.currentWeight -= sum
    return richest
  }
}

const none: readonly never[] = []
