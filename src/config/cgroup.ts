/** The control groups that this process is in, of either version (Linux, admin-guide/cgroup-v2 and cgroup-v1). */
import { readFileSync } from 'node:fs'

/** @returns the text of a file, undefined when there is none. */
export type ReadText = (path: string) => string | undefined

export const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    // The other version of cgroups, another system, or a folder that is not shown inside a container.
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}

export interface CgroupFolder {
  path: string
  version: 1 | 2
}

/** @returns the folders in which the controller's limits for this process stand, its own and all above. */
export function cgroupFolders(read: ReadText, controller: 'cpu' | 'memory'): CgroupFolder[] {
  return (read('/proc/self/cgroup') ?? '').split('\n').flatMap((line): CgroupFolder[] => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (path === undefined || controllers === undefined) return []
    if (controllers === '') return andAbove(path).map((folder) => ({ path: `/sys/fs/cgroup${folder}`, version: 2 }))
    if (!controllers.split(',').includes(controller)) return []
    return andAbove(path).map((folder) => ({ path: `/sys/fs/cgroup/${controller}${folder}`, version: 1 }))
  })
}

/** The folder and all above it: each of them may hold a limit. Inside a container the last is the container's own. */
function andAbove(path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '')
  return Array.from({ length: parts.length + 1 }, (_, depth) => ['', ...parts.slice(0, parts.length - depth)].join('/'))
}
