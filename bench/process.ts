/** Processes under measurement: started, watched by pid through /proc, ended by pid. Linux only. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Clock ticks a second of /proc/PID/stat (sysconf _SC_CLK_TCK). */
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

export interface Measured {
  /** Processor time of the process and its threads so far, µs. */
  cpuUs: number
  /** VmRSS, MB. */
  residentMb: number
  /** Share of it that is its own (PSS), MB: pages of a binary that several processes run count once. */
  proportionalMb: number
}

/** Figures of a process and, with `children`, of those (nginx and HAProxy fork workers). */
export function measure(pids: readonly number[]): Measured {
  const sum: Measured = { cpuUs: 0, residentMb: 0, proportionalMb: 0 }
  for (const pid of pids) {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ')
    sum.cpuUs += ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1e6
    const kilobytes = (file: string, name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1] ?? 0)
    sum.residentMb += kilobytes('status', 'VmRSS') / 1024
    sum.proportionalMb += kilobytes('smaps_rollup', 'Pss') / 1024
  }
  return sum
}

/** The process and all that came of it. */
export function family(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  const children = text === '' ? [] : text.split(' ').map(Number)
  return [pid, ...children.flatMap(family)]
}

export function start(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv } = {},
): ChildProcess {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], ...options })
  child.stderr!.resume()
  return child
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 3000)
  await gone
  clearTimeout(timer)
}
