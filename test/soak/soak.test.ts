/** The soak, short: `npm run soak` is the long one. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { soak } from './soak-run.ts'
import { faultsOf, linesOf } from './verdict.ts'

test('connections cut and endpoints killed under every protocol lose no request and leave no socket', async (t) => {
  const seed = 20
  const said: string[] = []
  const report = await soak({
    durationMs: 8000,
    seed,
    killEveryMs: 3000,
    settledMs: undefined,
    say: (line) => said.push(line),
  })
  for (const line of linesOf(report)) t.diagnostic(line)
  assert.ok(report.kills > 0, 'nobody was killed')
  assert.deepEqual(faultsOf(report), [], `seed ${seed}\n${[...said, ...linesOf(report)].join('\n')}`)
})
