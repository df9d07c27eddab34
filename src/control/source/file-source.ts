/**
 * The source on disk: folders of YAML, watched. A save is in force within about 50 ms; a file that is half written, or empty
 * or gone for a moment, is given time to settle.
 */
import { resolve } from 'node:path'
import type { EndpointSlice } from '#/api/core.ts'
import { type Clock, systemClock, type Timer } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import { type Watched, WatchedValue } from '#/std/watched.ts'
import { deriveEndpointSlices } from './endpoint-slices.ts'
import { FileSettler } from './file-settler.ts'
import { FolderReader, type FolderReading } from './folder-reader.ts'
import { FolderWatcher } from './folder-watcher.ts'
import { lintResources } from './lint.ts'
import { ObjectStore, type ObjectTable } from './object-store.ts'
import { ResourceTable } from './resource-table.ts'
import type { Fault, Resources, Sourced } from './resources.ts'
import { giveServiceAddresses } from './service-addresses.ts'

export interface SourceSnapshot {
  resources: Resources
  /** In the order of files and lines. */
  faults: readonly Fault[]
}

export interface FileSourceOptions {
  /** Folders, or single files. */
  directories: readonly string[]
  /** Services without a cluster IP get one of this range (`198.19.16.0/20`); absent, they have none. */
  serviceRange?: string
  clock: Clock
  log: Log
}

/** From the first notice of a change to the look, ms: an editor writes, renames and truncates in quick succession. */
const settleMs = 30

type Slices = ReadonlyMap<string, Sourced<EndpointSlice>>

interface Assembled {
  byKind: ObjectTable
  faults: readonly Fault[]
  slices: Slices
}

function assemble(
  store: ObjectStore,
  options: { fileFaults: readonly Fault[]; slices: Slices; serviceRange?: string | undefined },
): Assembled {
  const { byKind, faults } = store.collect()
  if (options.serviceRange) {
    const services = new ResourceTable(byKind).of('Service')
    byKind.set('Service', giveServiceAddresses(services, options.serviceRange) as Map<string, Sourced<never>>)
  }
  const slices = deriveEndpointSlices(new ResourceTable(byKind), options.slices)
  const written = byKind.get('EndpointSlice') ?? new Map<string, Sourced<never>>()
  byKind.set('EndpointSlice', new Map([...written, ...slices]) as Map<string, Sourced<never>>)
  const all = [...options.fileFaults, ...faults, ...lintResources(new ResourceTable(byKind))]
  return { byKind, faults: all.sort(byPlace), slices }
}

function byPlace({ origin: a }: Fault, { origin: b }: Fault): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return a.line - b.line || a.column - b.column
}

/** Each place once, whatever its spelling. */
function readersOf(places: readonly string[], clock: Clock): FolderReader[] {
  const distinct = new Map(places.map((place) => [resolve(place), place]))
  return [...distinct.values()].map((place) => new FolderReader(place, clock))
}

/** A file that two places hold is one file. */
function readAll(readers: readonly FolderReader[]): FolderReading {
  const readings = readers.map((reader) => reader.read())
  return {
    files: new Map(readings.flatMap(({ files }) => [...files])),
    faults: readings.flatMap(({ faults }) => faults),
    unread: readings.flatMap(({ unread }) => unread),
    folders: readings.flatMap(({ folders }) => folders),
  }
}

/** Reads once, for `weft lint` and `weft translate`. */
export function readOnce(places: readonly string[]): SourceSnapshot {
  const { files, faults: fileFaults } = readAll(readersOf(places, systemClock))
  const store = new ObjectStore()
  store.update(new Map([...files].map(([path, { text }]) => [path, text])))
  const { byKind, faults } = assemble(store, { fileFaults, slices: new Map() })
  return { resources: new ResourceTable(byKind), faults }
}

export class FileSource implements Watched<SourceSnapshot> {
  readonly #options: FileSourceOptions
  readonly #readers: readonly FolderReader[]
  readonly #settler = new FileSettler()
  readonly #store = new ObjectStore()
  readonly #watcher: FolderWatcher
  readonly #snapshot = new WatchedValue<SourceSnapshot>()
  #assembled: Assembled = { byKind: new Map(), faults: [], slices: new Map() }
  #timer: Timer | undefined
  #isStopped = false

  /** Reads at once: `value` is there when the constructor returns. */
  constructor(options: FileSourceOptions) {
    const { directories, clock, log } = options
    this.#options = options
    this.#readers = readersOf(directories, clock)
    this.#watcher = new FolderWatcher({ clock, log, onChange: () => this.#lookSoon() })
    this.#look()
  }

  get value(): SourceSnapshot | undefined {
    return this.#snapshot.value
  }

  subscribe(listener: (snapshot: SourceSnapshot) => void): () => void {
    return this.#snapshot.subscribe(listener)
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#watcher.stop()
  }

  #lookSoon(): void {
    if (this.#isStopped) return
    this.#timer ??= this.#options.clock.after(settleMs, () => {
      this.#timer = undefined
      this.#look()
    })
  }

  #look(): void {
    const { files, faults, unread, folders } = readAll(this.#readers)
    const isNew = this.#watcher.watch(folders, { isComplete: unread.length === 0 })
    const isKept = (path: string): boolean => unread.some((one) => path === one || path.startsWith(`${one}/`))
    const isSettled = this.#settler.update(files, { nowMs: this.#options.clock.monotonicMs(), isKept })
    this.#store.update(this.#settler.texts)
    this.#publish(faults)
    if (isNew || !isSettled) this.#lookSoon()
  }

  #publish(fileFaults: readonly Fault[]): void {
    const { serviceRange } = this.#options
    const before = this.#assembled
    this.#assembled = assemble(this.#store, { fileFaults, slices: before.slices, serviceRange })
    const { byKind, faults } = this.#assembled
    const isSame = isSameTable(before.byKind, byKind) && JSON.stringify(before.faults) === JSON.stringify(faults)
    if (isSame && this.#snapshot.value) return
    this.#snapshot.set({ resources: new ResourceTable(byKind), faults })
  }
}

function isSameTable(a: ObjectTable, b: ObjectTable): boolean {
  return a.size === b.size && [...b].every(([kind, objects]) => isSameMap(a.get(kind), objects))
}

function isSameMap(a: ReadonlyMap<string, unknown> | undefined, b: ReadonlyMap<string, unknown>): boolean {
  return a?.size === b.size && [...b].every(([key, value]) => a.get(key) === value)
}
