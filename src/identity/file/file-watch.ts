/**
 * Tells when files change. Polled by `stat`: Kubernetes swaps a mounted Secret by a symbolic link two levels up, which no watch of the
 * file itself would tell.
 */
import { statSync } from 'node:fs'
import type { Clock, Timer } from '#/std/clock.ts'

export interface FileWatchOptions {
  paths: readonly string[]
  clock: Clock
  intervalMs: number
  /** Must not throw. */
  onChange: () => void
}

export class FileWatch {
  readonly #options: FileWatchOptions
  #seen: string
  #timer: Timer

  constructor(options: FileWatchOptions) {
    this.#options = options
    this.#seen = this.#fingerprint()
    this.#timer = this.#arm()
  }

  stop(): void {
    this.#timer.cancel()
  }

  #arm(): Timer {
    const { clock, intervalMs } = this.#options
    return clock.after(intervalMs, () => this.#look(), true)
  }

  #look(): void {
    const now = this.#fingerprint()
    const isChanged = now !== this.#seen
    this.#seen = now
    this.#timer = this.#arm()
    if (isChanged) this.#options.onChange()
  }

  #fingerprint(): string {
    return this.#options.paths
      .map((path) => {
        const found = statSync(path, { throwIfNoEntry: false, bigint: true })
        return found ? `${found.ino} ${found.mtimeNs} ${found.size}` : 'missing'
      })
      .join('\n')
  }
}
