/**
 * Sheds load while memory is short: new requests are refused, so that those under way can end and give theirs back, which
 * beats being killed with all of them. Looked at now and then; a request costs one look at `isShort`.
 *
 *   enough ──use at the limit, and collecting did not help──▶ short ──5 points below──▶ enough
 */
import { getHeapStatistics } from 'node:v8'
import type { Clock, Timer } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'

export interface MemoryUse {
  residentBytes: number
  /** V8's heap: in use, and the most that it may be. */
  heapBytes: number
  heapBytesMax: number
}

export interface MemoryGuardOptions {
  clock: Clock
  log: Log
  /** Resident memory of the process, 0 for no limit. */
  bytesMax: number
  /** Above it, of either limit, memory is short. */
  shedPercent: number
  /** Gives back what is free already. */
  release: () => void
  use?: () => MemoryUse
}

/** As often as it takes memory to become short at a few hundred MB a second, ms. */
const checkMs = 500
/** Collecting takes long when there is much, and a log should not be what fills the disk, ms. */
const repeatMs = 5000
/** Below the mark by so much before requests are taken again, or each would tip it over anew. */
const relief = 0.05

export class MemoryGuard {
  /** New requests and streams are to be refused. */
  isShort = false
  readonly bytesMax: number
  readonly #options: MemoryGuardOptions
  #timer: Timer | undefined
  #releasedMs = Number.NEGATIVE_INFINITY
  #sinceMs = 0

  constructor(options: MemoryGuardOptions) {
    this.#options = options
    this.bytesMax = options.bytesMax
  }

  start(): void {
    this.#timer = this.#options.clock.after(
      checkMs,
      () => {
        this.check()
        this.start()
      },
      true,
    )
  }

  stop(): void {
    this.#timer?.cancel()
  }

  check(): void {
    const mark = this.#options.shedPercent / 100
    const share = this.#share()
    if (!this.isShort && share >= mark) this.#suspect(mark)
    else if (this.isShort && share < mark - relief) this.#recover()
    else if (this.isShort && this.#mayRelease()) {
      this.#release()
      this.#warn()
    }
  }

  /** Of the tighter limit. */
  #share(): number {
    const { bytesMax, use = processUse } = this.#options
    const { residentBytes, heapBytes, heapBytesMax } = use()
    const ofLimit = bytesMax > 0 ? residentBytes / bytesMax : 0
    return Math.max(ofLimit, heapBytesMax > 0 ? heapBytes / heapBytesMax : 0)
  }

  /** What is only garbage does not count, unless it was collected a moment ago. */
  #suspect(mark: number): void {
    if (this.#mayRelease()) this.#release()
    if (this.#share() < mark) return
    this.isShort = true
    this.#sinceMs = this.#options.clock.monotonicMs()
    this.#warn()
  }

  #recover(): void {
    this.isShort = false
    const forMs = Math.round(this.#options.clock.monotonicMs() - this.#sinceMs)
    this.#options.log.info('memory suffices again: requests are taken', { forMs })
  }

  #mayRelease(): boolean {
    return this.#options.clock.monotonicMs() - this.#releasedMs >= repeatMs
  }

  #release(): void {
    this.#options.release()
    this.#releasedMs = this.#options.clock.monotonicMs()
  }

  #warn(): void {
    const { log, bytesMax, use = processUse } = this.#options
    log.warn('short of memory: new requests are refused', { ...use(), residentBytesMax: bytesMax })
  }
}

function processUse(): MemoryUse {
  const { used_heap_size: heapBytes, heap_size_limit: heapBytesMax } = getHeapStatistics()
  return { residentBytes: process.memoryUsage.rss(), heapBytes, heapBytesMax }
}
