/**
 * Tells when something in one of some folders may have changed. The system's own notices, a watch a folder (recursive ones
 * miss what happens in a new folder before they reach it); and a look around from time to time beside them, since notices
 * get lost on network file systems and behind links.
 */
import { type FSWatcher, watch } from 'node:fs'
import type { Clock, Timer } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import type { Folder } from './folder-reader.ts'

/** Between looks where the system gives notices, ms. */
const lookMs = 2000
/** Between looks where it gives none, ms. */
const blindLookMs = 250
/** Linux gives a user 8,192 watches at the least; the rest is looked at. */
const watchesMax = 2048

export interface FolderWatcherOptions {
  clock: Clock
  log: Log
  onChange: () => void
}

export class FolderWatcher {
  readonly #options: FolderWatcherOptions
  /** By path and identity. */
  readonly #watches = new Map<string, FSWatcher>()
  #isBlind = false
  #timer: Timer | undefined
  #isStopped = false

  constructor(options: FolderWatcherOptions) {
    this.#options = options
  }

  /**
   * The folders to watch from now on.
   * @returns true when some are new: what happened there before the watch was set has to be looked for.
   */
  watch(folders: readonly Folder[], { isComplete }: { isComplete: boolean }): boolean {
    const wanted = new Map(folders.map((folder) => [`${folder.id} ${folder.path}`, folder.path]))
    for (const [key, watcher] of this.#watches) {
      if (wanted.has(key)) continue
      watcher.close()
      this.#watches.delete(key)
    }
    let isNew = false
    for (const [key, path] of wanted) if (!this.#watches.has(key) && this.#add(key, path)) isNew = true
    this.#isBlind = !isComplete || this.#watches.size < wanted.size
    this.#lookLater()
    return isNew
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    for (const watcher of this.#watches.values()) watcher.close()
    this.#watches.clear()
  }

  #add(key: string, path: string): boolean {
    if (this.#watches.size >= watchesMax) return false
    try {
      const watcher = watch(path, { persistent: false }, () => this.#changed())
      watcher.on('error', (error) => this.#lost(key, path, error))
      this.#watches.set(key, watcher)
      return true
    } catch (error) {
      this.#lost(key, path, error)
      return false
    }
  }

  #lost(key: string, folder: string, error: unknown): void {
    this.#options.log.debug('no notices of changes in a folder; looking at it from time to time', {
      folder,
      reason: String(error),
    })
    this.#watches.get(key)?.close()
    this.#watches.delete(key)
    this.#isBlind = true
  }

  #changed(): void {
    if (!this.#isStopped) this.#options.onChange()
  }

  #lookLater(): void {
    this.#timer?.cancel()
    if (this.#isStopped) return
    const look = (): void => {
      this.#changed()
      this.#lookLater()
    }
    this.#timer = this.#options.clock.after(this.#isBlind ? blindLookMs : lookMs, look, true)
  }
}
