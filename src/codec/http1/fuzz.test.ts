import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fuzzRequests } from './http1.fuzz.ts'
import { runFuzz } from './testing/fuzz-run.ts'

/** Always the same cases, so that a run that fails can be run again; `npm run fuzz` looks for new ones. */
const seed = 1

test(`reads requests as Node's parser does, or refuses them by a listed rule (--seed ${seed})`, async () => {
  const { caseCount, findings } = await runFuzz(fuzzRequests, { seed, batchCount: 15 })
  assert.deepEqual(findings, [])
  assert.equal(caseCount, 3000)
})
