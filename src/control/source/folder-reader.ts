/** The YAML files under a folder, as text. Never throws: what can't be read is a fault. */
import { type BigIntStats, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { FaultCodeName } from '#/api/fault-codes.ts'
import type { Clock } from '#/std/clock.ts'
import type { Fault } from './resources.ts'

/** A file beyond it holds no configuration that a person wrote, bytes. Reading YAML takes about a second a MiB. */
export const fileBytesMax = 4 * 1024 * 1024
/** YAML files of one place; more of them is a folder that was not meant, like a home directory. */
export const filesMax = 20_000
/** Nesting beyond it is a mistake. */
const depthMax = 32
/** Time stamps of files are about this fine, ms: within it a second write leaves no trace in them. */
const stampMs = 50

export interface Folder {
  path: string
  /** Tells a folder from another that took its place. */
  id: string
}

export interface FolderReading {
  files: Map<string, FileText>
  faults: Fault[]
  /** Paths of files and folders that are there, or should be, and can't be read: what they held stays. */
  unread: string[]
  /** Where changes are to be watched for. */
  folders: Folder[]
}

export interface FileText {
  text: string
  /** Since it was written, ms; negative when its time stamp lies in the future. */
  ageMs: number
}

interface Remembered {
  stamp: string
  text: string
}

export class FolderReader {
  readonly #place: string
  readonly #clock: Clock
  #remembered = new Map<string, Remembered>()

  /** @param place a folder, or a single file */
  constructor(place: string, clock: Clock) {
    this.#place = place
    this.#clock = clock
  }

  /** All `.yaml` and `.yml` files of the folder and those in it, by path; only what changed is read from disk. */
  read(): FolderReading {
    const walk = new Walk(this.#remembered, this.#clock.wallMs())
    walk.visitPlace(this.#place)
    this.#remembered = walk.remembered
    return walk.reading
  }
}

class Walk {
  readonly reading: FolderReading = { files: new Map(), faults: [], unread: [], folders: [] }
  readonly remembered = new Map<string, Remembered>()
  readonly #before: ReadonlyMap<string, Remembered>
  readonly #nowMs: number
  /** Folders and files by where they really are: links lead to each once, and not in circles. */
  readonly #seen = new Set<string>()

  constructor(before: ReadonlyMap<string, Remembered>, nowMs: number) {
    this.#before = before
    this.#nowMs = nowMs
  }

  visitPlace(place: string): void {
    const stats = this.#stat(place, { isRequired: true })
    if (!stats) return
    if (stats.isDirectory()) {
      this.#visitFolder(place, stats, 0)
      return
    }
    // A file is watched through its folder: editors put another file into its place.
    const folder = dirname(place)
    const around = this.#stat(folder, { isRequired: true })
    if (around) this.reading.folders.push({ path: folder, id: identityOf(around) })
    this.#visitFile(place, stats)
  }

  #visitFolder(folder: string, stats: BigIntStats, depth: number): void {
    try {
      const real = realpathSync(folder)
      if (this.#seen.has(real)) return
      this.#seen.add(real)
      if (depth > depthMax) {
        this.#tell(folder, 'unreadable', `the folder is nested more than ${depthMax} deep`, 'move it further up')
        return
      }
      this.reading.folders.push({ path: folder, id: identityOf(stats) })
      const names = readdirSync(folder).filter((name) => !name.startsWith('.') && name !== 'node_modules')
      for (const name of names.sort()) this.#visitEntry(join(folder, name), depth)
    } catch (error) {
      if (depth === 0 || !isGone(error)) this.#unread(folder, 'folder', error)
    }
  }

  #visitEntry(path: string, depth: number): void {
    const isYaml = /\.ya?ml$/i.test(path)
    const stats = this.#stat(path, { isRequired: isYaml })
    if (!stats) return
    if (stats.isDirectory()) this.#visitFolder(path, stats, depth + 1)
    else if (isYaml) this.#visitFile(path, stats)
  }

  #visitFile(path: string, stats: BigIntStats): void {
    const { files, unread } = this.reading
    const identity = identityOf(stats)
    if (this.#seen.has(identity)) return
    this.#seen.add(identity)
    if (files.size >= filesMax) {
      if (files.size === filesMax && !unread.includes(path))
        this.#tell(path, 'too-many-files', `there are more than ${filesMax} YAML files`, 'name a smaller folder')
      return
    }
    if (!stats.isFile()) {
      this.#tell(path, 'unreadable', 'this is no regular file', 'put a file in its place, or rename it')
      return
    }
    if (stats.size > fileBytesMax) {
      this.#tell(
        path,
        'file-too-large',
        `the file has ${stats.size} bytes`,
        `split it; at most ${fileBytesMax} are read`,
      )
      return
    }
    this.#readFile(path, stats)
  }

  #readFile(path: string, stats: BigIntStats): void {
    const ageMs = this.#nowMs - Number(stats.mtimeMs)
    const stamp = [identityOf(stats), stats.size, stats.mtimeNs, stats.ctimeNs].join(' ')
    const before = this.#before.get(path)
    const text = before?.stamp === stamp ? before.text : this.#decode(path)
    if (text === undefined) return
    this.reading.files.set(path, { text, ageMs })
    if (Math.abs(ageMs) > stampMs) this.remembered.set(path, { stamp, text })
  }

  #decode(path: string): string | undefined {
    try {
      const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path))
      if (!text.includes('\0')) return text
      this.#tell(path, 'not-text', 'the file holds binary data', 'keep only YAML under this name, or rename the file')
    } catch (error) {
      if (error instanceof TypeError && !('errno' in error))
        this.#tell(path, 'not-text', 'the file is no UTF-8 text', 'save it as UTF-8')
      else if (!isGone(error)) this.#unread(path, 'file', error)
    }
    return undefined
  }

  #stat(path: string, { isRequired }: { isRequired: boolean }): BigIntStats | undefined {
    try {
      return statSync(path, { bigint: true })
    } catch (error) {
      // A link to nowhere that has no YAML name is nobody's affair.
      if (isRequired) this.#unread(path, 'path', error)
      return undefined
    }
  }

  #unread(path: string, what: string, error: unknown): void {
    const reason = error instanceof Error ? error.message.replace(/,? \w+ '.*$/s, '') : String(error)
    this.#tell(path, 'unreadable', `the ${what} can't be read: ${reason}`, 'check that it exists and may be read')
  }

  #tell(file: string, code: FaultCodeName, message: string, cure: string): void {
    const origin = { file, line: 1, column: 1 }
    this.reading.unread.push(file)
    this.reading.faults.push({ severity: 'error', code, object: '', origin, field: '', message, cure })
  }
}

function identityOf(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`
}

/** It went away between one look and the next. */
function isGone(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}
