/**
 * Runs every `*.fuzz.ts` of the house, one after another: `npm run fuzz -- --seconds 20 [--seed N] [WORD]`. The flags go to
 * each; WORD chooses those whose path holds it. The exit code is 1 when one of them found something.
 */
import { spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const root = join(import.meta.dirname, '..')
const { values, positionals } = parseArgs({
  options: { seconds: { type: 'string' }, seed: { type: 'string' } },
  allowPositionals: true,
})
const flags = Object.entries(values).flatMap(([name, value]) => [`--${name}`, value])
const files = globSync('src/**/*.fuzz.ts', { cwd: root }).filter((file) => positionals.every((w) => file.includes(w)))
if (files.length === 0) {
  console.error(`no fuzz has ${positionals.join(' and ')} in its path`)
  process.exitCode = 2
}
for (const file of files.sort()) {
  console.log(file)
  const { status } = spawnSync(process.execPath, [file, ...flags], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
