/** Gives the system back what nobody uses: garbage is collected, and the allocator lets go of free pages between used ones. */
import { createRequire } from 'node:module'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Log } from '#/std/log.ts'

type TrimHeap = (padding: number) => number

let collect: (() => void) | undefined
let trim: TrimHeap | undefined

function findCollector(): () => void {
  const given = (globalThis as { gc?: () => void }).gc
  if (given) return given
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as () => void
}

/** malloc_trim(3), which glibc alone has. */
function findTrim(log: Log): TrimHeap {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
    return koffi.load(null).func('int malloc_trim(size_t padding)')
  } catch (error) {
    log.debug('the allocator keeps its free pages', { reason: error instanceof Error ? error.message : String(error) })
    return () => 0
  }
}

/** Takes tens of ms, with a large heap longer. */
export function releaseMemory(log: Log): void {
  collect ??= findCollector()
  collect()
  trim ??= findTrim(log)
  trim(0)
}
