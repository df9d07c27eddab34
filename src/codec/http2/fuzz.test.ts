import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type FuzzBatch, runFuzz } from '../http1/testing/fuzz-run.ts'
import { fuzzHpack } from './hpack/hpack.fuzz.ts'
import { fuzzConversations } from './http2.fuzz.ts'

/** Always the same cases, so that a run that fails can be run again; `npm run fuzz` looks for new ones. */
const seed = 1

const fuzzes: [string, FuzzBatch][] = [
  ['HPACK reads back what it wrote, and faults are its only exceptions', fuzzHpack],
  ['requests of whatever conversation end in one way, however it is cut', fuzzConversations],
]

for (const [claim, batch] of fuzzes) {
  test(`${claim} (--seed ${seed})`, async () => {
    const { caseCount, findings } = await runFuzz(batch, { seed, batchCount: 4 })
    assert.deepEqual(findings, [])
    assert.equal(caseCount, 800)
  })
}
