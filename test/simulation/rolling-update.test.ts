import assert from 'node:assert/strict'
import { test } from 'node:test'
import { simulateRollingUpdates } from './rolling-update.ts'

/** Always the same worlds, so that a run that fails can be run again; `npm run simulate` looks at new ones. */
const seeds = [1, 2, 3, 4, 5]

for (const kind of ['round-robin', 'random', 'least-request'] as const) {
  test(`${kind}: pods that come and go cost no request but those inside a crash (seeds ${seeds})`, () => {
    for (const seed of seeds) {
      const result = simulateRollingUpdates(seed, kind)
      assert.deepEqual(result.violations, [], `seed ${seed}`)
      // A world in which nothing happens would show nothing.
      assert.ok(result.requests > 2000 && result.retries > 10 && result.lostToCrashes > 0, JSON.stringify(result))
      assert.deepEqual(simulateRollingUpdates(seed, kind), result, `seed ${seed} gives the same world twice`)
    }
  })
}
