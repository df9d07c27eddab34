/** What a differential fuzz does whatever it compares: batches of cases from a seed until time or number is up, findings told. */
import { parseArgs } from 'node:util'
import type { Random } from '#/std/random.ts'
import { pickIndex } from '#/std/random.ts'

export interface Finding {
  /** Of its batch: `--seed` with it finds it again at once. */
  seed: number
  bytes: string
  what: string
  ours: unknown
  node: unknown
}

export const casesPerBatch = 200
const findingsMax = 20

/** @returns what nobody can explain in the batch of that seed. */
export type FuzzBatch = (seed: number) => Promise<Finding[]>

export interface FuzzResult {
  caseCount: number
  findings: Finding[]
}

/** Stops early at 20 findings. The batches take the seeds from `seed` on, so that a count gives the same cases each time. */
export async function runFuzz(
  batch: FuzzBatch,
  { seed, seconds = Infinity, batchCount = Infinity }: { seed: number; seconds?: number; batchCount?: number },
): Promise<FuzzResult> {
  const findings: Finding[] = []
  const endMs = performance.now() + seconds * 1000
  let done = 0
  while (done < batchCount && performance.now() < endMs && findings.length < findingsMax) {
    findings.push(...(await batch(seed + done++)))
  }
  return { caseCount: done * casesPerBatch, findings: findings.slice(0, findingsMax) }
}

/** `--seconds` (10) and `--seed` (by the clock); the exit code is 1 when something was found. */
export async function fuzzByCommandLine(batch: FuzzBatch): Promise<void> {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string' } } })
  const seed = Number(values.seed ?? process.hrtime.bigint() % 1_000_000n)
  const { caseCount, findings } = await runFuzz(batch, { seed, seconds: Number(values.seconds) })
  for (const finding of findings) console.dir(finding, { depth: 6 })
  console.log(`${caseCount} cases, ${findings.length} findings (--seed ${seed})`)
  if (findings.length > 0) process.exitCode = 1
}

/** Turns of the event loop until Node's streams are at rest. */
const turnCount = 12

export async function letNodeRead(): Promise<void> {
  for (let turn = 0; turn < turnCount; turn++) await new Promise(setImmediate)
}

/** Cuts in pieces of up to 40 bytes. */
export function cutAtRandom(bytes: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = Math.min(bytes.length, start + 1 + pickIndex(random, random() < 0.5 ? 4 : 40))
    pieces.push(bytes.subarray(start, end))
    start = end
  }
  return pieces
}
