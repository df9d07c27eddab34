/**
 * Which text of a file counts, while somebody is writing it. Editors truncate and write, or rename and create: a file that was
 * touched just now is given time, and one that is empty or gone is believed only after a while.
 *
 *     settled ──changed──▶ pending ──quiet (or gone long enough)──▶ settled
 *        ▲                    │
 *        └────as before───────┘
 */
import type { FileText } from './folder-reader.ts'

/** Since the last write, ms. */
const quietMs = 25
/** For an empty or missing file, ms: between truncating and writing, removing and creating. */
const goneMs = 75
/** A file that never rests is taken as it is after this long, ms. */
const waitMsMax = 1000

interface Pending {
  text: string | undefined
  sinceMs: number
  /** When `text` was first seen, ms. */
  textSinceMs: number
}

export class FileSettler {
  #settled: Map<string, string> | undefined
  readonly #pending = new Map<string, Pending>()

  /** The texts that count, by path. */
  get texts(): ReadonlyMap<string, string> {
    return this.#settled ?? new Map()
  }

  /**
   * @param files what is there now
   * @param options `nowMs` of a clock that only grows; `isKept` for paths whose text is not known now
   * @returns true when all is settled; otherwise look again after some ms
   */
  update(
    files: ReadonlyMap<string, FileText>,
    { nowMs, isKept }: { nowMs: number; isKept: (path: string) => boolean },
  ): boolean {
    const settled = this.#settled
    // At the first look nothing is in force that could be kept.
    if (!settled) {
      this.#settled = new Map([...files].map(([path, { text }]) => [path, text]))
      return true
    }
    const next = new Map<string, string>()
    for (const path of new Set([...files.keys(), ...settled.keys()])) {
      const file = files.get(path)
      const before = settled.get(path)
      const isUnknown = file === undefined && isKept(path)
      const text = isUnknown || this.#mustWait(path, { file, before, nowMs }) ? before : file?.text
      if (isUnknown) this.#pending.delete(path)
      if (text !== undefined) next.set(path, text)
    }
    this.#settled = next
    return this.#pending.size === 0
  }

  #mustWait(
    path: string,
    { file, before, nowMs }: { file: FileText | undefined; before: string | undefined; nowMs: number },
  ): boolean {
    if (file?.text === before) {
      this.#pending.delete(path)
      return false
    }
    const known = this.#pending.get(path)
    const sinceMs = known?.sinceMs ?? nowMs
    const textSinceMs = known && known.text === file?.text ? known.textSinceMs : nowMs
    const isGone = !file || file.text.trim() === ''
    const isQuiet = isGone
      ? before === undefined || nowMs - textSinceMs >= goneMs
      : file.ageMs < 0 || file.ageMs >= quietMs
    if (isQuiet || nowMs - sinceMs >= waitMsMax) {
      this.#pending.delete(path)
      return false
    }
    this.#pending.set(path, { text: file?.text, sinceMs, textSinceMs })
    return true
  }
}
