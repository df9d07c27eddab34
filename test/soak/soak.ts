/**
 * `npm run soak`: mixed protocols, kills and cuts for ten minutes, with a verdict. `--minutes N`, `--seed N`; `--identity`: nobody is killed, but
 * leaves live for 20 s, the root is replaced in the middle, and streams last from the begin to the end.
 */
import { parseArgs } from 'node:util'
import { soak } from './soak-run.ts'
import { faultsOf, linesOf } from './verdict.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    identity: { type: 'boolean', default: false },
  },
})
const durationMs = Number(values.minutes) * 60_000
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed)
if (!(durationMs > 0) || !Number.isInteger(seed)) {
  console.error('usage: npm run soak -- [--minutes N] [--seed N] [--identity]')
  process.exit(2)
}

console.log(`a soak of ${values.minutes} minutes, seed ${seed}`)
const report = await soak({
  durationMs,
  seed,
  ...(values.identity ? { leafLifeMs: 20_000 } : { killEveryMs: 6000 }),
  // Two minutes of ten: pools are full by then, and the code is compiled.
  settledMs: durationMs / 5,
  say: (line) => console.log(line),
})
console.log(linesOf(report).join('\n'))
const faults = faultsOf(report)
console.log(faults.length === 0 ? 'PASSED' : `FAILED (seed ${seed})\n${faults.join('\n')}`)
process.exitCode = faults.length === 0 ? 0 : 1
