/** kubectl against a test cluster, for what a test says in YAML. */
import { spawnSync } from 'node:child_process'
import { programPath } from './go-build.ts'
import { kubeconfigPath } from './kubeconfig.ts'
import type { Plan } from './plan.ts'

/** @returns standard output. @throws Error with what kubectl said. */
export function kubectl(plan: Plan, args: readonly string[], input = ''): string {
  const all = ['--kubeconfig', kubeconfigPath(plan), ...args]
  const result = spawnSync(programPath('kubectl'), all, { encoding: 'utf8', input, maxBuffer: 1 << 26 })
  if (result.status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${result.stderr.trim() || result.error}`)
  return result.stdout
}
