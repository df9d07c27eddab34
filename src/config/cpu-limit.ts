/** How many processors this process may use at a time, by its cgroup: what `--concurrency 0` goes by. */
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'

export interface CpuFacts {
  /** Text of a file, undefined when there is none. */
  read(path: string): string | undefined
  /** Processors that the scheduler lets this process run on. */
  processors: number
}

const machine: CpuFacts = {
  read(path) {
    try {
      return readFileSync(path, 'utf8')
    } catch (error) {
      // The other version of cgroups, another system, or a folder that is not shown inside a container.
      if (error instanceof Error && 'code' in error) return undefined
      throw error
    }
  },
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
  const limits = (read('/proc/self/cgroup') ?? '').split('\n').flatMap((line) => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (path === undefined || controllers === undefined) return []
    if (controllers === '') return folders(path).map((folder) => version2(read(`/sys/fs/cgroup${folder}/cpu.max`)))
    if (!controllers.split(',').includes('cpu')) return []
    return folders(path).map((folder) => {
      const file = (name: string): string | undefined => read(`/sys/fs/cgroup/cpu${folder}/cpu.cfs_${name}_us`)
      return version1(file('quota'), file('period'))
    })
  })
  const least = Math.min(...limits.filter((limit) => limit > 0))
  return least === Number.POSITIVE_INFINITY ? 1 : Math.max(1, Math.min(Math.ceil(least), processors))
}

/** The folder and all above it: each of them may hold a limit. Inside a container the last is the container's own. */
function folders(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '')
  return Array.from({ length: parts.length + 1 }, (_, depth) => ['', ...parts.slice(0, parts.length - depth)].join('/'))
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
