/** How many processors this process may use at a time, by its cgroup: what `--concurrency 0` goes by. */
import { availableParallelism } from 'node:os'
import type { ReadText } from './cgroup.ts'
import { cgroupFolders, readText } from './cgroup.ts'

export interface CpuFacts {
  read: ReadText
  /** Processors that the scheduler lets this process run on. */
  processors: number
}

const machine: CpuFacts = {
  read: readText,
  get processors() {
    return availableParallelism()
  },
}

/**
 * Whole event loops that the limit feeds: rounded up, at most the processors there are. Without a limit it is one: a sidecar
 * that nobody gave a limit should not fill the machine, and one loop carries tens of thousands of requests a second.
 * Source: Linux, admin-guide/cgroup-v2 (`cpu.max`) and scheduler/sched-bwc (`cpu.cfs_quota_us`).
 */
export function loopsByCpuLimit({ read, processors }: CpuFacts = machine): number {
  const limits = cgroupFolders(read, 'cpu').map(({ path, version }) =>
    version === 2
      ? version2(read(`${path}/cpu.max`))
      : version1(read(`${path}/cpu.cfs_quota_us`), read(`${path}/cpu.cfs_period_us`)),
  )
  const least = Math.min(...limits.filter((limit) => limit > 0))
  return least === Number.POSITIVE_INFINITY ? 1 : Math.max(1, Math.min(Math.ceil(least), processors))
}

/** `max 100000` or `150000 100000`: µs in a period of µs. @returns processors, NaN for no limit. */
function version2(text: string | undefined): number {
  const [quota, period] = (text ?? '').trim().split(' ')
  return Number(quota) / Number(period)
}

/** A quota of -1 is none. */
function version1(quota: string | undefined, period: string | undefined): number {
  return Number(quota ?? Number.NaN) / Number(period ?? Number.NaN)
}
