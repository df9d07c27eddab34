/**
 * Keeps large bodies from filling memory with read buffers that are garbage already. Each read of a socket allocates up to
 * 64 KB outside the heap; V8 collects young ones when it has seen 64 MB of them, or when the small objects that hold
 * them fill the young generation, which streaming hardly does (measured: a sidecar grew by 54 MB over a body of 1 GiB, with
 * this by under 16). So every few MB of large chunks one young collection is asked for: 0.3 ms each.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Collect = (options: { type: 'minor' }) => void

/** Between collections, bytes. */
const intervalBytes = 8 * 1024 * 1024

let collect: Collect | undefined
let seenBytes = 0

function findCollector(): Collect {
  const given = (globalThis as { gc?: Collect }).gc
  if (given) return given
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as Collect
}

/** To be told of every large chunk that passes. */
export function countLargeChunk(bytes: number): void {
  seenBytes += bytes
  if (seenBytes < intervalBytes) return
  seenBytes = 0
  collect ??= findCollector()
  collect({ type: 'minor' })
}
