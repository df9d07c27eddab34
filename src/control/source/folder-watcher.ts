/**
 * Tells when something under a folder may have changed. The system's own notices where it has them; a slow look around
 * beside them, since notices get lost (network file systems, a folder that was replaced).
 */
import { type FSWatcher, watch } from 'node:fs'
import type { Clock, Timer } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'

/** Without a notice a folder is looked at this often, ms. */
const lookMs = 2000

export class FolderWatcher {
  readonly #folder: string
  readonly #clock: Clock
  readonly #log: Log
  readonly #onChange: () => void
  #watcher: FSWatcher | undefined
  #timer: Timer | undefined
  #isStopped = false

  constructor(options: { folder: string; clock: Clock; log: Log; onChange: () => void }) {
    this.#folder = options.folder
    this.#clock = options.clock
    this.#log = options.log
    this.#onChange = options.onChange
    this.#watch()
    this.#look()
  }

  stop(): void {
    this.#isStopped = true
    this.#watcher?.close()
    this.#timer?.cancel()
  }

  #watch(): void {
    try {
      this.#watcher = watch(this.#folder, { recursive: true, persistent: false }, () => this.#onChange())
      this.#watcher.on('error', (error) => this.#lost(error))
    } catch (error) {
      this.#lost(error)
    }
  }

  #lost(error: unknown): void {
    this.#log.debug('no notices of changes in a folder; looking at it from time to time', {
      folder: this.#folder,
      reason: String(error),
    })
    this.#watcher?.close()
    this.#watcher = undefined
  }

  #look(): void {
    this.#timer = this.#clock.after(
      lookMs,
      () => {
        if (this.#isStopped) return
        if (!this.#watcher) this.#watch()
        this.#onChange()
        this.#look()
      },
      true,
    )
  }
}
