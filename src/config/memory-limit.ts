/** How much memory this process may use, by its cgroup: what `--memory-bytes-max 0` goes by. */
import type { ReadText } from './cgroup.ts'
import { cgroupFolders, readText } from './cgroup.ts'

/** What version 1 says for no limit is the largest multiple of a page, far beyond any machine. */
const unlimitedBytes = 2 ** 60

/**
 * The least limit of the cgroup and those above it, bytes; 0 for none.
 * Source: Linux, admin-guide/cgroup-v2 (`memory.max`) and cgroup-v1/memory (`memory.limit_in_bytes`).
 */
export function memoryLimitBytes(read: ReadText = readText): number {
  const limits = cgroupFolders(read, 'memory').map(({ path, version }) =>
    Number((read(`${path}/${version === 2 ? 'memory.max' : 'memory.limit_in_bytes'}`) ?? 'none').trim()),
  )
  const least = Math.min(...limits.filter((limit) => limit > 0))
  return least < unlimitedBytes ? least : 0
}
