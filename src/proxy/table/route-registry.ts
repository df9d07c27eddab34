/** Named route configurations in use, shared by the listeners and destinations that name them. */
import type { RouteConfiguration } from '#/model/route.ts'
import type { Log } from '#/std/log.ts'
import type { ResourceSource, Subscription } from '#/xds/fetch/resource-source.ts'
import type { ClusterRegistry } from './cluster-registry.ts'
import { Warming } from './warming.ts'

export class RouteEntry {
  readonly name: string
  readonly warming: Warming
  readonly watchers = new Set<() => void>()
  #subscription: Subscription
  #isMissing = false

  constructor(options: { name: string; source: ResourceSource; clusters: ClusterRegistry; log: Log }) {
    this.name = options.name
    this.warming = new Warming({ ...options, onChange: () => this.#changed() })
    this.#subscription = options.source.subscribe('route', options.name, {
      onResource: (_name, configuration: RouteConfiguration) => {
        this.#isMissing = false
        this.warming.offer(configuration)
      },
      onMissing: () => {
        this.#isMissing = true
        this.#changed()
      },
    })
  }

  /** The control plane does not have it. What was in force stays. */
  get isMissing(): boolean {
    return this.#isMissing
  }

  close(): void {
    this.#subscription.cancel()
    this.warming.close()
  }

  #changed(): void {
    for (const watcher of [...this.watchers]) watcher()
  }
}

export class RouteRegistry {
  readonly #options: { source: ResourceSource; clusters: ClusterRegistry; log: Log }
  readonly #entries = new Map<string, RouteEntry>()

  constructor(options: { source: ResourceSource; clusters: ClusterRegistry; log: Log }) {
    this.#options = options
  }

  get entries(): ReadonlyMap<string, RouteEntry> {
    return this.#entries
  }

  acquire(name: string, onChange: () => void): RouteEntry {
    let entry = this.#entries.get(name)
    if (!entry) {
      entry = new RouteEntry({ name, ...this.#options })
      this.#entries.set(name, entry)
    }
    entry.watchers.add(onChange)
    return entry
  }

  release(entry: RouteEntry, onChange: () => void): void {
    entry.watchers.delete(onChange)
    if (entry.watchers.size > 0 || this.#entries.get(entry.name) !== entry) return
    this.#entries.delete(entry.name)
    entry.close()
  }
}
