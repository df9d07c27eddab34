import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzzAnswers } from './answer.fuzz.ts'
import { fuzzRequests } from './http1.fuzz.ts'
import { type FuzzBatch, runFuzz } from './testing/fuzz-run.ts'

/** Always the same cases, so that a run that fails can be run again; `npm run fuzz` looks for new ones. */
const seed = 1

const fuzzes: [string, FuzzBatch][] = [
  ['requests', fuzzRequests],
  ['answers', fuzzAnswers],
]

for (const [what, batch] of fuzzes) {
  test(`reads ${what} as Node does, or refuses them by a listed rule (--seed ${seed})`, async () => {
    const { caseCount, findings } = await runFuzz(batch, { seed, batchCount: 15 })
    assert.deepEqual(findings, [])
    assert.equal(caseCount, 3000)
  })
}
