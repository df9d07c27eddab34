/**
 * HPACK both ways: `node src/codec/http2/hpack/hpack.fuzz.ts --seconds 60 --seed 1`. What the encoder writes the decoder reads
 * back, whatever happens to the sizes of the tables and to blocks that are never sent; what nobody wrote gives a list or a fault.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Random } from '#/std/random.ts'
import { pickIndex, seededRandom } from '#/std/random.ts'
import type { Finding } from '../../http1/testing/fuzz-run.ts'
import { casesPerBatch, fuzzByCommandLine } from '../../http1/testing/fuzz-run.ts'
import { HpackDecoder, HpackFault } from './decoder.ts'
import { HpackEncoder } from './encoder.ts'

const names = [':method', ':path', 'accept', 'cookie', 'content-length', 'x-a', 'x-b', 'x-long-name-of-a-field', 'te']
const blocksPerCase = 20

function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[pickIndex(random, items.length)]!
}

function randomText(random: Random, lengthMax: number): string {
  const length = pickIndex(random, lengthMax)
  return Buffer.from(Array.from({ length }, () => 0x21 + pickIndex(random, 0x5e))).toString('latin1')
}

function randomFields(random: Random): string[] {
  const fields: string[] = []
  for (let count = pickIndex(random, 12); count > 0; count--) {
    const name = random() < 0.8 ? pick(random, names) : `x-${pickIndex(random, 1000)}`
    // Few values, so that the tables are hit; some long ones, so that they overflow.
    const value = random() < 0.6 ? `v${pickIndex(random, 4)}` : randomText(random, random() < 0.1 ? 3000 : 30)
    fields.push(name, value)
  }
  return fields
}

function write(encoder: HpackEncoder, fields: readonly string[]): void {
  encoder.begin()
  for (let i = 0; i < fields.length; i += 2) encoder.field(fields[i]!, fields[i + 1]!)
}

/** @returns what is wrong, empty when nothing is. */
function roundTrip(random: Random): string {
  const tableBytesMax = pick(random, [0, 100, 4096, 16_384])
  const encoder = new HpackEncoder(pick(random, [0, 64, 4096, 10_000]))
  const decoder = new HpackDecoder({ tableBytesMax: Math.max(tableBytesMax, 4096), listBytesMax: 1_000_000 })
  for (let i = 0; i < blocksPerCase; i++) {
    for (let n = pickIndex(random, 3); n > 0; n--) encoder.setLimit(pickIndex(random, tableBytesMax + 1))
    if (random() < 0.1) write(encoder, randomFields(random))
    const fields = randomFields(random)
    write(encoder, fields)
    const read = decoder.decode(Buffer.from(encoder.end()))
    if (!isDeepStrictEqual(read, fields)) return `block ${i}: ${JSON.stringify(fields)} became ${JSON.stringify(read)}`
    if (decoder.malformed !== '') return `block ${i}: ${decoder.malformed}`
  }
  return ''
}

/** Valid blocks with some bytes changed, and bytes by lot. @returns the same. */
function disturb(random: Random): string {
  const encoder = new HpackEncoder()
  const decoder = new HpackDecoder({ tableBytesMax: 4096, listBytesMax: 5000, listCountMax: 50, isLenient: true })
  for (let i = 0; i < blocksPerCase; i++) {
    write(encoder, randomFields(random))
    const block = Buffer.from(encoder.end())
    const isNoise = random() < 0.2
    for (let n = isNoise ? block.length : pickIndex(random, 3); n > 0 && block.length > 0; n--) {
      block[pickIndex(random, block.length)] = pickIndex(random, 256)
    }
    try {
      const list = decoder.decode(block)
      if (list.length > 100) return `a list of ${list.length / 2} fields`
    } catch (error) {
      // The connection ends here.
      return error instanceof HpackFault ? '' : String(error)
    }
  }
  return ''
}

/** One batch. @returns what went wrong. */
export async function fuzzHpack(seed: number): Promise<Finding[]> {
  const random = seededRandom(seed)
  const findings: Finding[] = []
  for (let i = 0; i < casesPerBatch; i++) {
    let what: string
    try {
      what = random() < 0.5 ? roundTrip(random) : disturb(random)
    } catch (error) {
      what = error instanceof Error ? (error.stack ?? error.message) : String(error)
    }
    if (what !== '') findings.push({ seed, bytes: '', what, ours: undefined, node: undefined })
  }
  return findings
}

if (import.meta.main) await fuzzByCommandLine(fuzzHpack)
