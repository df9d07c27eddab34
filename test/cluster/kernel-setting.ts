/** Settings of the whole machine that a kubelet changes: noted before, put back after. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plan } from './plan.ts'

/** What kubelet's container manager sets when it finds another value (`setupKernelTunables`). */
const settings = [
  'vm/overcommit_memory',
  'vm/panic_on_oom',
  'kernel/panic',
  'kernel/panic_on_oops',
  'kernel/keys/root_maxkeys',
  'kernel/keys/root_maxbytes',
]

const keptFile = ({ folder }: Plan): string => join(folder, 'kernel-settings.json')

export function readSettings(): Record<string, string> {
  const files = settings.map((name) => [name, `/proc/sys/${name}`] as const).filter(([, file]) => existsSync(file))
  return Object.fromEntries(files.map(([name, file]) => [name, readFileSync(file, 'utf8').trim()]))
}

/** @param others clusters that run: what they found is what was there before any. */
export function keepSettings(plan: Plan, others: readonly Plan[]): void {
  const first = others.map(keptFile).find((file) => existsSync(file))
  writeFileSync(keptFile(plan), first ? readFileSync(first, 'utf8') : JSON.stringify(readSettings()))
}

/** The last cluster puts back what the first one found. */
export function restoreSettings(plan: Plan, others: readonly Plan[]): void {
  if (!existsSync(keptFile(plan)) || others.some((other) => existsSync(keptFile(other)))) return
  const kept: Record<string, string> = JSON.parse(readFileSync(keptFile(plan), 'utf8'))
  const present = readSettings()
  for (const [name, value] of Object.entries(kept))
    if (present[name] !== value) writeFileSync(`/proc/sys/${name}`, value)
}
