/**
 * One cluster on its way into use.
 *
 *   waiting ──cluster and endpoints are there──▶ ready (stays so: what routes still name is never taken away)
 *      └──the control plane does not have it──▶ missing ──it appears──▶ ready
 */
import type { Cluster } from '#/model/cluster.ts'
import type { UpstreamCluster } from '#/proxy/upstream/upstream-cluster.ts'
import type { ResourceSource, Subscription } from '#/xds/fetch/resource-source.ts'

export type ClusterState = 'waiting' | 'ready' | 'missing'

export class ClusterEntry {
  readonly name: string
  readonly #source: ResourceSource
  readonly #newCluster: (model: Cluster) => UpstreamCluster
  readonly #watchers = new Set<() => void>()
  #upstream: UpstreamCluster | undefined
  #endpoints: Subscription | undefined
  #serviceName = ''
  #state: ClusterState = 'waiting'

  constructor(options: { name: string; source: ResourceSource; newCluster: (model: Cluster) => UpstreamCluster }) {
    this.name = options.name
    this.#source = options.source
    this.#newCluster = options.newCluster
  }

  get state(): ClusterState {
    return this.#state
  }

  /** Defined when ready. */
  get upstream(): UpstreamCluster | undefined {
    return this.#state === 'ready' ? this.#upstream : undefined
  }

  /** How many hold it. */
  get holders(): number {
    return this.#watchers.size
  }

  /** `onChange` is called when the state changes. */
  watch(onChange: () => void): void {
    this.#watchers.add(onChange)
  }

  unwatch(onChange: () => void): void {
    this.#watchers.delete(onChange)
  }

  offer(model: Cluster): void {
    if (this.#upstream) this.#upstream.update(model)
    else this.#upstream = this.#newCluster(model)
    if (model.discovery.type !== 'eds') {
      this.#endpoints?.cancel()
      this.#endpoints = undefined
      this.#serviceName = ''
      this.#become('ready')
      return
    }
    const { serviceName } = model.discovery
    if (serviceName === this.#serviceName) return
    this.#serviceName = serviceName
    const before = this.#endpoints
    this.#endpoints = this.#source.subscribe('assignment', serviceName, {
      onResource: (_name, { endpoints }) => {
        if (this.#serviceName !== serviceName) return
        this.#upstream!.setEndpoints(endpoints)
        this.#become('ready')
      },
      // As Envoy does: endpoints that were there stay, those of a new cluster are none.
      onMissing: () => this.#become('ready'),
    })
    before?.cancel()
  }

  /** The control plane does not have it. */
  offerMissing(): void {
    if (!this.#upstream) this.#become('missing')
  }

  close(): void {
    this.#endpoints?.cancel()
    this.#upstream?.retire()
  }

  #become(state: ClusterState): void {
    if (this.#state === state) return
    this.#state = state
    for (const watcher of [...this.#watchers]) watcher()
  }
}
