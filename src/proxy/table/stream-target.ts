/** The stream routes of a listener or destination through their changes: new ones take over when their clusters are there. */
import type { StreamRoute } from '#/model/listener.ts'
import type { WarmStreams } from '#/proxy/stream/stream-table.ts'
import { clustersOfStreams } from '#/proxy/stream/stream-table.ts'
import type { UpstreamCluster } from '#/proxy/upstream/upstream-cluster.ts'
import type { ClusterEntry } from './cluster-entry.ts'
import type { ClusterRegistry } from './cluster-registry.ts'

interface Held {
  routes: readonly StreamRoute[]
  entries: ClusterEntry[]
  /** By which the clusters are held. */
  onChange: () => void
}

export class StreamTarget {
  readonly #clusters: ClusterRegistry
  readonly #onChange: () => void
  #pending: Held | undefined
  #inForce: Held | undefined
  #current: WarmStreams | undefined

  /** @param options.onChange what is in force has changed. */
  constructor(options: { clusters: ClusterRegistry; onChange: () => void }) {
    this.#clusters = options.clusters
    this.#onChange = options.onChange
  }

  get current(): WarmStreams | undefined {
    return this.#current
  }

  /** What was offered last is in force. */
  get isSettled(): boolean {
    return this.#pending === undefined
  }

  /** Clusters that are waited for, for a person. */
  get waitsFor(): string[] {
    return this.#pending?.entries.filter(({ state }) => state === 'waiting').map(({ name }) => name) ?? []
  }

  set(routes: readonly StreamRoute[]): void {
    if (routes.length === 0 && this.#inForce === undefined && this.#pending === undefined) return
    const onChange = (): void => this.#advance()
    const before = this.#pending
    const entries = [...clustersOfStreams(routes)].map((name) => this.#clusters.acquire(name, onChange))
    this.#pending = { routes, entries, onChange }
    this.#letGo(before)
    this.#advance()
  }

  close(): void {
    this.#letGo(this.#pending)
    this.#letGo(this.#inForce)
    this.#pending = undefined
    this.#inForce = undefined
    this.#current = undefined
  }

  #advance(): void {
    if (this.#pending?.entries.every(({ state }) => state !== 'waiting')) {
      const before = this.#inForce
      this.#inForce = this.#pending
      this.#pending = undefined
      this.#publish(this.#inForce)
      this.#letGo(before)
    } else if (this.#inForce?.entries.some(({ name, upstream }) => upstream && !this.#current?.clusters.has(name))) {
      this.#publish(this.#inForce)
    }
  }

  #publish({ routes, entries }: Held): void {
    const clusters = new Map<string, UpstreamCluster>()
    for (const { name, upstream } of entries) if (upstream) clusters.set(name, upstream)
    this.#current = { routes, clusters }
    this.#onChange()
  }

  #letGo(held: Held | undefined): void {
    if (held) for (const entry of held.entries) this.#clusters.release(entry, held.onChange)
  }
}
