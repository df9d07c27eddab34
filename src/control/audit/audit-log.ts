/**
 * Decisions of the sidecars and changes of the configuration, a line of JSON each, in files that take turns: `audit.jsonl`, then
 * `audit.1.jsonl` and on, the oldest is let go. Without a folder the last lines are kept in memory alone.
 */

import { existsSync, readFileSync } from 'node:fs'
import { appendFile, mkdir, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '#/std/log.ts'
import type { AuditEntry } from './audit-entry.ts'

export interface AuditLogOptions {
  folder?: string
  log: Log
  /** Of a file, before the next begins; 16 MB unless said. */
  fileBytesMax?: number
  /** Files with the present one, 2 or more; 8 unless said. */
  filesMax?: number
}

/** Kept in memory where there is no folder, and lines that wait to be written. */
const linesMax = 10_000

export class AuditLog {
  readonly #options: AuditLogOptions
  readonly #fileBytesMax: number
  readonly #filesMax: number
  /** Without a folder. */
  #kept: AuditEntry[] = []
  #waiting: string[] = []
  #writing: Promise<void> | undefined
  #bytes = -1
  /** Lines that could not be written. */
  dropped = 0

  constructor(options: AuditLogOptions) {
    this.#options = options
    this.#fileBytesMax = options.fileBytesMax ?? 16 * 1024 * 1024
    this.#filesMax = options.filesMax ?? 8
  }

  append(entries: readonly AuditEntry[]): void {
    if (entries.length === 0) return
    if (this.#options.folder === undefined) {
      this.#kept = [...this.#kept, ...entries].slice(-linesMax)
      return
    }
    const room = linesMax - this.#waiting.length
    this.dropped += Math.max(0, entries.length - room)
    this.#waiting.push(...entries.slice(0, Math.max(0, room)).map((entry) => `${JSON.stringify(entry)}\n`))
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  /** Resolves when what was appended is in its file. */
  async flush(): Promise<void> {
    await this.#writing
  }

  /**
   * The newest first.
   * @param fromMs milliseconds since 1970; @param max 1 or more.
   */
  async read({ fromMs, max }: { fromMs: number; max: number }): Promise<AuditEntry[]> {
    await this.flush()
    const from = new Date(fromMs).toISOString()
    const found: AuditEntry[] = []
    if (this.#options.folder === undefined) found.push(...this.#kept.filter(({ at }) => at >= from))
    for (let age = 0; this.#options.folder !== undefined && age < this.#filesMax && found.length < max; age++) {
      const entries = parseLines(await readIfThere(this.#path(age)))
      found.push(...entries.filter(({ at }) => at >= from))
      if (entries[0] && entries[0].at < from) break
    }
    return found.sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, max)
  }

  /** By source, the last decision that is in the log: an earlier run has read as far. */
  readSequences(): Map<string, number> {
    const sequences = new Map<string, number>()
    for (const path of this.#options.folder === undefined ? [] : [this.#path(1), this.#path(0)]) {
      if (!existsSync(path)) continue
      for (const entry of parseLines(readFileSync(path, 'utf8')))
        if (entry.type === 'decision')
          sequences.set(entry.source, Math.max(entry.sequence, sequences.get(entry.source) ?? 0))
    }
    return sequences
  }

  async #write(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting
      this.#waiting = []
      try {
        await this.#writeLines(lines)
      } catch (error) {
        this.dropped += lines.length
        const reason = error instanceof Error ? error.message : String(error)
        this.#options.log.error('the audit log can not be written', { lines: lines.length, reason })
      }
    }
  }

  async #writeLines(lines: readonly string[]): Promise<void> {
    const path = this.#path(0)
    if (this.#bytes < 0) {
      await mkdir(this.#options.folder!, { recursive: true, mode: 0o700 })
      this.#bytes = existsSync(path) ? (await stat(path)).size : 0
    }
    const text = lines.join('')
    if (this.#bytes > 0 && this.#bytes + Buffer.byteLength(text) > this.#fileBytesMax) await this.#rotate()
    await appendFile(path, text, { mode: 0o600 })
    this.#bytes += Buffer.byteLength(text)
  }

  async #rotate(): Promise<void> {
    for (let age = this.#filesMax - 2; age >= 0; age--)
      if (existsSync(this.#path(age))) await rename(this.#path(age), this.#path(age + 1))
    this.#bytes = 0
  }

  #path(age: number): string {
    return join(this.#options.folder ?? '', age === 0 ? 'audit.jsonl' : `audit.${age}.jsonl`)
  }
}

async function readIfThere(path: string): Promise<string> {
  return existsSync(path) ? await readFile(path, 'utf8') : ''
}

/** A line that a crash has cut is passed over. */
function parseLines(text: string): AuditEntry[] {
  return text.split('\n').flatMap((line) => {
    if (line === '') return []
    try {
      return [JSON.parse(line) as AuditEntry]
    } catch (error) {
      if (error instanceof SyntaxError) return []
      throw error
    }
  })
}
