/**
 * `npm run cluster:up|cluster:down|cluster:status [-- NAME]`: a real Kubernetes on this machine, without Docker. What Debian has is
 * installed, the rest built from Go modules once. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 the machine lacks something.
 */

import { kubeconfigPath } from './kubeconfig.ts'
import { kubectl } from './kubectl.ts'
import { bringUp, listPlans, takeDown } from './lifecycle.ts'
import { nodePid } from './node-process.ts'
import { missingRequirements } from './requirement.ts'

const tell = (line: string): void => void process.stderr.write(`${line}\n`)

async function up(name: string): Promise<number> {
  const missing = missingRequirements()
  for (const line of missing) tell(`missing: ${line}`)
  if (missing.length > 0) return 3
  const plan = await bringUp({ name, tell })
  console.log(`export KUBECONFIG=${kubeconfigPath(plan)}`)
  return 0
}

async function down(name: string): Promise<number> {
  const plan = listPlans().find((one) => one.name === name)
  if (!plan) tell(`there is no cluster ${name}`)
  else await takeDown(plan)
  return 0
}

function status(): number {
  const plans = listPlans()
  if (plans.length === 0) console.log('no cluster; npm run cluster:up')
  for (const plan of plans) {
    const isRunning = nodePid(plan) !== undefined
    console.log(`${plan.name}: ${isRunning ? 'running' : 'dead'}, KUBECONFIG=${kubeconfigPath(plan)}`)
    if (isRunning) console.log(kubectl(plan, ['get', 'nodes,pods', '-A', '-o', 'wide']))
  }
  return plans.every((plan) => nodePid(plan) !== undefined) ? 0 : 1
}

async function main([command, name = 'test']: string[]): Promise<number> {
  if (!/^[a-z][a-z0-9-]{0,19}$/.test(name)) {
    tell(`cluster name ${name}: expected up to 20 of a-z, 0-9 and -, a letter first`)
    return 2
  }
  if (command === 'up') return up(name)
  if (command === 'down') return down(name)
  if (command === 'status') return status()
  tell('usage: cluster.ts up|down|status [NAME]')
  return 2
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  tell(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
