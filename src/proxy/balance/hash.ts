/** Hashes for choosing endpoints: fast and even, no defence against an adversary. */

/** Spreads all bits of a word over all bits (MurmurHash3's finalizer, Austin Appleby, public domain). */
export function mix(word: number): number {
  let h = word
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** @returns 0 to 2^32 - 1. FNV-1a over the code units, then mixed: FNV alone leaves the upper bits of short texts alike. */
export function hashText(text: string, seed = 0x811c9dc5): number {
  let h = seed
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  return mix(h)
}
