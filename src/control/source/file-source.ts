/**
 * The source on disk: folders of YAML, watched. A save is in force well within a second; a file that is half written, or
 * empty for a moment as editors leave it, is given time to settle.
 */
import type { EndpointSlice } from '#/api/core.ts'
import type { Clock, Timer } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import { type Watched, WatchedValue } from '#/std/watched.ts'
import { deriveEndpointSlices } from './endpoint-slices.ts'
import { FolderWatcher } from './folder-watcher.ts'
import { lintResources } from './lint.ts'
import { ObjectStore } from './object-store.ts'
import { readFolder } from './read-folder.ts'
import { ResourceTable } from './resource-table.ts'
import type { Fault, Resources, Sourced } from './resources.ts'
import { giveServiceAddresses } from './service-addresses.ts'

export interface SourceSnapshot {
  resources: Resources
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

/** After the first notice of a change, ms: an editor writes, renames and truncates in quick succession. */
const settleMs = 30

function assemble(
  store: ObjectStore,
  options: {
    fileFaults: readonly Fault[]
    slices: ReadonlyMap<string, Sourced<EndpointSlice>>
    serviceRange?: string | undefined
  },
): SourceSnapshot & { slices: Map<string, Sourced<EndpointSlice>> } {
  const { byKind, faults } = store.collect()
  if (options.serviceRange) {
    const services = new ResourceTable(byKind).of('Service')
    byKind.set('Service', giveServiceAddresses(services, options.serviceRange) as Map<string, Sourced<never>>)
  }
  const slices = deriveEndpointSlices(new ResourceTable(byKind), options.slices)
  byKind.set(
    'EndpointSlice',
    new Map([...(byKind.get('EndpointSlice') ?? []), ...slices]) as Map<string, Sourced<never>>,
  )
  const resources = new ResourceTable(byKind)
  return { resources, faults: [...options.fileFaults, ...faults, ...lintResources(resources)], slices }
}

/** Reads once, for `weft lint` and `weft translate`. */
export function readOnce(places: readonly string[]): SourceSnapshot {
  const read = places.map(readFolder)
  const store = new ObjectStore()
  store.update(read.flatMap(({ files }) => files))
  const { resources, faults } = assemble(store, { fileFaults: read.flatMap((each) => each.faults), slices: new Map() })
  return { resources, faults }
}

export class FileSource implements Watched<SourceSnapshot> {
  readonly #options: FileSourceOptions
  readonly #store = new ObjectStore()
  readonly #watchers: FolderWatcher[]
  readonly #snapshot = new WatchedValue<SourceSnapshot>()
  #slices = new Map<string, Sourced<EndpointSlice>>()
  #fileFaults = ''
  #timer: Timer | undefined

  constructor(options: FileSourceOptions) {
    this.#options = options
    const { directories, clock, log } = options
    this.#watchers = directories.map(
      (folder) => new FolderWatcher({ folder, clock, log, onChange: () => this.#changed() }),
    )
    this.#read()
  }

  get value(): SourceSnapshot | undefined {
    return this.#snapshot.value
  }

  subscribe(listener: (snapshot: SourceSnapshot) => void): () => void {
    return this.#snapshot.subscribe(listener)
  }

  stop(): void {
    this.#timer?.cancel()
    for (const watcher of this.#watchers) watcher.stop()
  }

  #changed(): void {
    this.#timer ??= this.#options.clock.after(settleMs, () => {
      this.#timer = undefined
      this.#read()
    })
  }

  #read(): void {
    const read = this.#options.directories.map(readFolder)
    const files = read.flatMap((each) => each.files)
    const fileFaults = read.flatMap((each) => each.faults)
    const isSettled = this.#settle(files)
    const faultText = JSON.stringify(fileFaults)
    const isChanged = this.#store.update(files) || faultText !== this.#fileFaults || this.#snapshot.value === undefined
    this.#fileFaults = faultText
    if (isChanged) {
      const { slices, ...snapshot } = assemble(this.#store, {
        fileFaults,
        slices: this.#slices,
        serviceRange: this.#options.serviceRange,
      })
      this.#slices = slices
      this.#snapshot.set(snapshot)
    }
    if (!isSettled) this.#changed()
  }

  /** A file that is empty now and was not before keeps its text for one more look. */
  readonly #texts = new Map<string, string>()
  readonly #emptied = new Set<string>()

  #settle(files: { path: string; text: string }[]): boolean {
    let isSettled = true
    for (const file of files) {
      const before = this.#texts.get(file.path)
      if (file.text.trim() === '' && before && !this.#emptied.has(file.path)) {
        this.#emptied.add(file.path)
        file.text = before
        isSettled = false
      } else {
        this.#emptied.delete(file.path)
        this.#texts.set(file.path, file.text)
      }
    }
    return isSettled
  }
}
