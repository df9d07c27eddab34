/** Chance as a value that is passed in: a simulation hands over a seeded one, production the fast default. */

/** A number in [0, 1). */
export type Random = () => number

/** Not for secrets. */
export const systemRandom: Random = Math.random

/**
 * A generator with 128 bits of state from a 32-bit seed, the same sequence on every machine.
 * Source: sfc32 (Chris Doty-Humphrey, PractRand).
 */
export function seededRandom(seed: number): Random {
  let a = 0x9e3779b9 ^ seed
  let b = 0x243f6a88
  let c = 0xb7e15162
  let counter = 1
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    c |= 0
    return (sum >>> 0) / 4294967296
  }
  for (let i = 0; i < 12; i++) next()
  return next
}

/** A whole number in [0, below). */
export function pickIndex(random: Random, below: number): number {
  return Math.floor(random() * below)
}
