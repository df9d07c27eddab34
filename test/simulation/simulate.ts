/** Runs every simulation for new seeds: `npm run simulate -- --runs 200 [--seed N]`. The exit code is 1 when one went wrong. */
import { parseArgs } from 'node:util'
import { simulateRollingUpdates } from './rolling-update.ts'

const { values } = parseArgs({ options: { runs: { type: 'string', default: '50' }, seed: { type: 'string' } } })
const first = Number(values.seed ?? process.hrtime.bigint() % 1_000_000n)
let requests = 0
let wrongCount = 0
for (let seed = first; seed < first + Number(values.runs); seed++) {
  for (const kind of ['round-robin', 'random', 'least-request'] as const) {
    const result = simulateRollingUpdates(seed, kind)
    requests += result.requests
    if (result.violations.length === 0) continue
    wrongCount++
    console.log(`${kind}, --seed ${seed} --runs 1:\n  ${result.violations.slice(0, 5).join('\n  ')}`)
  }
}
console.log(
  `${values.runs} worlds from --seed ${first} for each balancer, ${requests} requests: ${wrongCount} went wrong`,
)
if (wrongCount > 0) process.exitCode = 1
