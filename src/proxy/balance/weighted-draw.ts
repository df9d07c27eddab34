/** Random choice in proportion to weight, prepared when the endpoints change. */
import type { Random } from '#/std/random.ts'
import type { EndpointSlot } from './endpoint-slot.ts'

export class WeightedDraw<Attachment> {
  readonly #slots: readonly EndpointSlot<Attachment>[]
  /** Undefined when all weights are equal. */
  readonly #cumulative: Float64Array | undefined

  constructor(slots: readonly EndpointSlot<Attachment>[], hasEqualWeights: boolean) {
    this.#slots = slots
    if (hasEqualWeights) return
    let sum = 0
    this.#cumulative = Float64Array.from(slots, ({ endpoint }) => (sum += endpoint.weight))
  }

  /** Position of a slot; only when there is one. O(log n), O(1) with equal weights. */
  draw(random: Random): number {
    const cumulative = this.#cumulative
    if (cumulative === undefined) return Math.floor(random() * this.#slots.length)
    const point = random() * cumulative[cumulative.length - 1]!
    let low = 0
    let high = cumulative.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if (cumulative[middle]! > point) high = middle
      else low = middle + 1
    }
    return low
  }

  /** As `draw` among the slots that are not excluded; undefined when none is left. O(n): retries are rare. */
  drawExcept(exclude: readonly EndpointSlot<Attachment>[], random: Random): EndpointSlot<Attachment> | undefined {
    let total = 0
    for (const slot of this.#slots) if (!exclude.includes(slot)) total += slot.endpoint.weight
    let point = random() * total
    let last: EndpointSlot<Attachment> | undefined
    for (const slot of this.#slots) {
      if (exclude.includes(slot)) continue
      last = slot
      point -= slot.endpoint.weight
      if (point < 0) break
    }
    return last
  }
}
