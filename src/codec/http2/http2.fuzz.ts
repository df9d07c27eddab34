/**
 * Conversations with our server: `node src/codec/http2/http2.fuzz.ts --seconds 60 --seed 1`. Legal ones, and ones with bytes
 * changed, left out or added: nothing is thrown, every request ends in exactly one way, and how the bytes were cut does not
 * matter.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Random } from '#/std/random.ts'
import { pickIndex, seededRandom } from '#/std/random.ts'
import type { Finding } from '../http1/testing/fuzz-run.ts'
import { casesPerBatch, cutAtRandom, fuzzByCommandLine } from '../http1/testing/fuzz-run.ts'
import { showBytes } from '../http1/testing/visible-bytes.ts'
import { FrameGrammar } from './testing/frame-grammar.ts'
import { readFrames } from './testing/frame-notation.ts'
import { LifeReading } from './testing/life-reading.ts'

function mutate(bytes: Buffer, random: Random): Buffer {
  const at = pickIndex(random, bytes.length)
  const lot = random()
  if (lot < 0.6) {
    const changed = Buffer.from(bytes)
    changed[at] = pickIndex(random, 256)
    return changed
  }
  if (lot < 0.8) return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + pickIndex(random, 9))])
  const twice = bytes.subarray(at, at + pickIndex(random, 30))
  return Buffer.concat([bytes.subarray(0, at), twice, bytes.subarray(at)])
}

interface FuzzCase {
  bytes: Buffer
  whole: LifeReading
  pieces: LifeReading
  what: string
}

function begin(bytes: Buffer, random: Random): FuzzCase {
  const each = { bytes, whole: new LifeReading(), pieces: new LifeReading(), what: '' }
  try {
    each.whole.deliver([bytes])
    each.pieces.deliver(cutAtRandom(bytes, random))
    // Before anything has left.
    if (random() < 0.1) {
      each.whole.end()
      each.pieces.end()
    }
  } catch (error) {
    each.what = `thrown: ${error instanceof Error ? error.stack : error}`
  }
  return each
}

/** One batch. @returns what went wrong. */
export async function fuzzConversations(seed: number): Promise<Finding[]> {
  const random = seededRandom(seed)
  const grammar = new FrameGrammar(random)
  const cases = Array.from({ length: casesPerBatch }, () => {
    const bytes = readFrames(grammar.next())
    return begin(random() < 0.3 ? mutate(bytes, random) : bytes, random)
  })
  for (let turn = 0; turn < 8; turn++) await new Promise(setImmediate)
  for (const { whole, pieces } of cases) {
    whole.end()
    pieces.end()
  }
  for (let turn = 0; turn < 4; turn++) await new Promise(setImmediate)
  return cases.flatMap(({ bytes, whole, pieces, what }) => {
    const isSame = isDeepStrictEqual(whole.reading, pieces.reading)
    const all = what || whole.fault || pieces.fault || (isSame ? '' : 'cutting the bytes changes the outcome')
    if (all === '') return []
    return [{ seed, bytes: showBytes(bytes), what: all, ours: whole.reading, node: pieces.reading }]
  })
}

if (import.meta.main) await fuzzByCommandLine(fuzzConversations)
