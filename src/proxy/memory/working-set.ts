/**
 * Gives back the pages of Node's own binary that are no longer in use. Starting up, compiling and collecting touch some
 * 45 MB of it that a running proxy never looks at again, in every sidecar; they are clean pages of a file, so that letting go
 * of them loses nothing, and one that is needed after all is mapped again from the page cache (madvise(2), MADV_DONTNEED).
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Clock } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'

const madvDontNeed = 4

export interface FileMapping {
  start: bigint
  bytes: bigint
}

type Advise = (address: bigint, length: bigint, advice: number) => number

/**
 * Mappings of files that this process only reads and has changed no page of: whatever else is dropped would be lost.
 * @param smaps text of /proc/PID/smaps (proc_pid_smaps(5)).
 */
export function cleanFileMappings(smaps: string): FileMapping[] {
  const found: FileMapping[] = []
  let mapping: FileMapping | undefined
  for (const line of smaps.split('\n')) {
    const head = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \d+ *(.*)$/.exec(line)
    if (head) {
      const [, from, to, rights, file] = head
      const start = BigInt(`0x${from}`)
      const isReadOnlyFile = /^r-[-x]p$/.test(rights!) && file!.startsWith('/')
      mapping = isReadOnlyFile ? { start, bytes: BigInt(`0x${to}`) - start } : undefined
    } else if (mapping && /^Anonymous: +0 kB/.test(line)) found.push(mapping)
  }
  return found
}

function loadAdvise(): Advise {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  return koffi.load(null).func('int madvise(uintptr_t address, size_t length, int advice)')
}

export interface WorkingSetOptions {
  clock: Clock
  log: Log
  /** The first time, when start-up is over; and between further times, ms. */
  firstMs: number
  everyMs: number
}

export class WorkingSet {
  readonly #options: WorkingSetOptions
  #advise: Advise | undefined
  #mappings: FileMapping[] | undefined

  constructor(options: WorkingSetOptions) {
    this.#options = options
  }

  /** From now on, unattended. Elsewhere than on Linux there is nothing to do. */
  start(): void {
    if (process.platform === 'linux') this.#after(this.#options.firstMs)
  }

  /** @returns how many mappings were let go. */
  trim(): number {
    const advise = (this.#advise ??= loadAdvise())
    // Looked up once: a mapping that is only read stays clean, and finding out takes longer than letting go.
    this.#mappings ??= cleanFileMappings(readFileSync('/proc/self/smaps', 'utf8'))
    return this.#mappings.filter(({ start, bytes }) => advise(start, bytes, madvDontNeed) === 0).length
  }

  #after(ms: number): void {
    const { clock, log, everyMs } = this.#options
    clock.after(
      ms,
      () => {
        try {
          this.trim()
          this.#after(everyMs)
        } catch (error) {
          // A machine without /proc or without koffi's binary: the proxy serves all the same.
          const reason = error instanceof Error ? error.message : String(error)
          log.debug('pages of the binary stay where they are', { reason })
        }
      },
      true,
    )
  }
}
