/**
 * Maglev's table (Eisenbud et al., NSDI 2016, section 3.4): shares are even to a percent and a choice is one look, for a few keys more
 * that move when endpoints change.
 */
import type { EndpointSlot } from './endpoint-slot.ts'
import { hashText } from './hash.ts'
import type { BuildTable, HashTable } from './hash-table.ts'

/** A prime, and Envoy's size; for more than a hundred times fewer endpoints shares stay even. */
const size = 65_537

class Maglev implements HashTable {
  readonly positions: Uint32Array

  constructor(positions: Uint32Array) {
    this.positions = positions
  }

  startOf(hash: number): number {
    return hash % size
  }
}

interface Candidate {
  weight: number
  skip: number
  /** The next place that it wants. */
  next: number
  /** How much of its weight is used up. */
  used: number
}

export const buildMaglev: BuildTable = (slots: readonly EndpointSlot[]) => {
  const free = 0xffff_ffff
  const table = new Uint32Array(size).fill(free)
  const heaviest = slots.reduce((max, { endpoint }) => Math.max(max, endpoint.weight), 0)
  const candidates = slots.map(({ key, endpoint }): Candidate => {
    const next = hashText(key) % size
    return { weight: endpoint.weight / heaviest, skip: 1 + (hashText(key, 0x9e3779b9) % (size - 1)), next, used: 0 }
  })
  let filled = 0
  for (let round = 1; filled < size; round++) {
    for (let position = 0; position < candidates.length && filled < size; position++) {
      const one = candidates[position]!
      // A light endpoint sits out rounds until its weight has added up.
      if (round * one.weight < one.used) continue
      one.used++
      while (table[one.next] !== free) one.next = (one.next + one.skip) % size
      table[one.next] = position
      filled++
    }
  }
  return new Maglev(table)
}
