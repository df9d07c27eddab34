/** Which endpoint a hash belongs to: positions of the endpoints in a row, to be walked on where the first may not be taken. */
import type { EndpointSlot } from './endpoint-slot.ts'

export interface HashTable {
  /** Positions among the slots that it was made of. */
  readonly positions: Uint16Array | Uint32Array
  /** Where in `positions` a hash begins. @param hash 0 to 2^32 - 1. */
  startOf(hash: number): number
}

/** @param slots at least one. */
export type BuildTable = (slots: readonly EndpointSlot[]) => HashTable
