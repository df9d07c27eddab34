/** A node, from outside: the process that holds its namespaces, its link, its cgroups; and how all of it goes away. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Plan } from './plan.ts'

const pidFile = ({ folder }: Plan): string => join(folder, 'node.pid')

/** The process id of the node's first process, as the host sees it; `undefined` when it is gone. */
export function nodePid(plan: Plan): number | undefined {
  if (!existsSync(pidFile(plan))) return undefined
  const [pid, startTime] = readFileSync(pidFile(plan), 'utf8').trim().split(' ')
  // A number that was given to another process is not ours: its start differs.
  return startTime !== undefined && startTimeOf(Number(pid)) === startTime ? Number(pid) : undefined
}

/** When a process started, in ticks since boot: field 22 of proc_pid_stat(5). */
function startTimeOf(pid: number): string | undefined {
  if (!existsSync(`/proc/${pid}/stat`)) return undefined
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}

/** Starts the namespaces, then gives them their link. */
export async function startNode(plan: Plan): Promise<void> {
  for (const folder of cgroupFolders(plan)) mkdirSync(folder, { recursive: true })
  const log = openSync(join(plan.folder, 'node.log'), 'a')
  const inner = 'while ! ip link show node0 >/dev/null 2>&1; do sleep 0.05; done; exec "$@"'
  const program = [process.execPath, '--no-warnings', fileURLToPath(new URL('node.ts', import.meta.url)), plan.folder]
  const namespaces = ['--fork', '--kill-child', '--pid', '--mount-proc', '--mount', '--net', '--uts', '--ipc']
  const args = [...namespaces, 'tini', '--', 'sh', '-c', inner, 'sh', ...program]
  const child = spawn('unshare', args, { detached: true, stdio: ['ignore', log, log], cwd: '/' })
  child.unref()
  const pid = await firstChild(child.pid!)
  writeFileSync(pidFile(plan), `${pid} ${startTimeOf(pid)}`)
  const ip = (...words: string[]): void => void execFileSync('ip', words)
  ip('link', 'add', plan.hostLink, 'type', 'veth', 'peer', 'name', 'node0', 'netns', String(pid))
  ip('address', 'add', `${plan.hostAddress}/30`, 'dev', plan.hostLink)
  ip('link', 'set', plan.hostLink, 'up')
  for (const range of [plan.podRange, plan.serviceRange]) ip('route', 'add', range, 'via', plan.nodeAddress)
}

async function firstChild(parent: number): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const file = `/proc/${parent}/task/${parent}/children`
    const children = existsSync(file) ? readFileSync(file, 'utf8').trim() : ''
    // The child is in its own namespaces only after it has become tini.
    if (children && readFileSync(`/proc/${children}/comm`, 'utf8').trim() === 'tini') return Number(children)
    await wait(25)
  }
  throw new Error('the namespaces of the node did not come; see node.log')
}

/** Runs a program inside the node. @returns what it printed. @throws Error with what it said when it fails. */
export function runInNode(plan: Plan, command: readonly string[], input?: string): string {
  const pid = nodePid(plan)
  if (pid === undefined) throw new Error(`cluster ${plan.name} is not running`)
  const args = ['-t', String(pid), '-m', '-n', '-p', '-u', '-i', '--', ...command]
  const result = spawnSync('nsenter', args, { encoding: 'utf8', maxBuffer: 1 << 26, ...(input ? { input } : {}) })
  if (result.status !== 0) throw new Error(`${command[0]}: ${(result.stderr || result.stdout).trim().slice(-1000)}`)
  return result.stdout
}

/** Ends every process of the node, and with them its namespaces. */
export async function killNode(plan: Plan): Promise<void> {
  const pid = nodePid(plan)
  // The first process of a process namespace takes all others along: containers, shims, whatever they started.
  if (pid !== undefined) process.kill(pid, 'SIGKILL')
  while (nodePid(plan) !== undefined) await wait(25)
}

/** Removes the little that the kernel does not remove by itself: cgroups and files. */
export async function removeRemains(plan: Plan): Promise<void> {
  if (existsSync(`/sys/class/net/${plan.hostLink}`)) spawnSync('ip', ['link', 'delete', plan.hostLink])
  for (const folder of cgroupFolders(plan)) await removeCgroup(folder)
  rmSync(plan.folder, { recursive: true, force: true })
}

/** One folder a hierarchy (version 1), or the one of version 2. */
export function cgroupFolders({ cgroup }: Plan): string[] {
  const root = '/sys/fs/cgroup'
  if (existsSync(join(root, 'cgroup.controllers'))) return [join(root, cgroup)]
  return readdirSync(root)
    .filter((name) => statSync(join(root, name)).isDirectory())
    .map((name) => join(root, name, cgroup))
}

async function removeCgroup(folder: string): Promise<void> {
  if (!existsSync(folder)) return
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) await removeCgroup(join(folder, entry.name))
  // Its last process may still be on its way out.
  for (let attempt = 0; ; attempt++) {
    try {
      return rmdirSync(folder)
    } catch (error) {
      if (attempt === 100) throw error
      await wait(50)
    }
  }
}
