/**
 * A ring of points, as many for an endpoint as its weight asks for (Karger et al. 1997, "ketama"). An endpoint that comes or goes moves
 * only the keys at its own points.
 */
import type { EndpointSlot } from './endpoint-slot.ts'
import { hashText, mix } from './hash.ts'
import type { BuildTable, HashTable } from './hash-table.ts'

/** Of an endpoint of mean weight: shares then differ by about a sixteenth. */
const pointsEach = 256
/** Of all together: 0.5 MB. */
const pointsMax = 65_536

class Ring implements HashTable {
  readonly positions: Uint32Array
  readonly #points: Uint32Array

  constructor(points: Uint32Array, positions: Uint32Array) {
    this.#points = points
    this.positions = positions
  }

  /** The first point at or behind the hash. O(log n). */
  startOf(hash: number): number {
    const points = this.#points
    let low = 0
    let high = points.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (points[middle]! < hash) low = middle + 1
      else high = middle
    }
    return low === points.length ? 0 : low
  }
}

export const buildRing: BuildTable = (slots: readonly EndpointSlot[]) => {
  const sum = slots.reduce((total, { endpoint }) => total + endpoint.weight, 0)
  const perWeight = (Math.min(pointsEach * slots.length, pointsMax) / sum) as number
  const keys: number[] = []
  slots.forEach((slot, position) => {
    const own = hashText(slot.key)
    const count = Math.max(1, Math.round(slot.endpoint.weight * perWeight))
    // Point and position in one number below 2^53, so that numbers can be sorted as they are.
    for (let i = 0; i < count; i++) keys.push(mix(own ^ mix(i + 1)) * 0x10_0000 + position)
  })
  const sorted = Float64Array.from(keys).sort()
  const points = new Uint32Array(sorted.length)
  const positions = new Uint32Array(sorted.length)
  sorted.forEach((key, i) => {
    points[i] = Math.floor(key / 0x10_0000)
    positions[i] = key % 0x10_0000
  })
  return new Ring(points, positions)
}
