/** Clusters in use, each held by the route tables that name it; what nobody holds is given up. */
import type { Cluster } from '#/model/cluster.ts'
import type { UpstreamCluster } from '#/proxy/upstream/upstream-cluster.ts'
import type { ResourceSource, Subscription } from '#/xds/fetch/resource-source.ts'
import { ClusterEntry } from './cluster-entry.ts'

export interface ClusterRegistryOptions {
  source: ResourceSource
  /** Ask for what routes name, or for everything. */
  discovery: 'referenced' | 'wildcard'
  newCluster: (model: Cluster) => UpstreamCluster
}

const noChange = (): void => undefined

export class ClusterRegistry {
  readonly #options: ClusterRegistryOptions
  readonly #entries = new Map<string, ClusterEntry>()
  readonly #subscriptions = new Map<string, Subscription>()
  /** Wildcard: what the control plane has. */
  readonly #present = new Map<string, Cluster>()
  #isSynced = false

  constructor(options: ClusterRegistryOptions) {
    this.#options = options
    if (options.discovery === 'wildcard') this.#subscribeAll()
  }

  get entries(): ReadonlyMap<string, ClusterEntry> {
    return this.#entries
  }

  /** Holds the cluster of that name, asking for it when it is new; `onChange` hears of its state. */
  acquire(name: string, onChange: () => void): ClusterEntry {
    let entry = this.#entries.get(name)
    if (!entry) {
      entry = new ClusterEntry({ name, source: this.#options.source, newCluster: this.#options.newCluster })
      this.#entries.set(name, entry)
      this.#ask(entry)
    }
    entry.watch(onChange)
    return entry
  }

  /** @param onChange as given to `acquire`. */
  release(entry: ClusterEntry, onChange: () => void): void {
    entry.unwatch(onChange)
    if (entry.holders > 0 || this.#entries.get(entry.name) !== entry) return
    this.#entries.delete(entry.name)
    this.#subscriptions.get(entry.name)?.cancel()
    this.#subscriptions.delete(entry.name)
    entry.close()
  }

  #ask(entry: ClusterEntry): void {
    if (this.#options.discovery === 'wildcard') {
      const model = this.#present.get(entry.name)
      if (model) entry.offer(model)
      else if (this.#isSynced) entry.offerMissing()
      return
    }
    const subscription = this.#options.source.subscribe('cluster', entry.name, {
      onResource: (_name, model) => entry.offer(model),
      onMissing: () => entry.offerMissing(),
    })
    this.#subscriptions.set(entry.name, subscription)
  }

  /** Everything that is there is held, endpoints too: control planes made for Envoy answer only to such a client. */
  #subscribeAll(): void {
    this.#options.source.subscribe('cluster', '*', {
      onResource: (name, model) => {
        const isNew = !this.#present.has(name)
        this.#present.set(name, model)
        if (isNew) this.acquire(name, noChange)
        this.#entries.get(name)?.offer(model)
      },
      onMissing: (name) => {
        if (!this.#present.delete(name)) return
        const entry = this.#entries.get(name)
        if (entry) this.release(entry, noChange)
      },
      onSynced: () => {
        this.#isSynced = true
        for (const entry of this.#entries.values()) if (!this.#present.has(entry.name)) entry.offerMissing()
      },
    })
  }
}
