/**
 * Route configurations of one name on their way into force. A new one waits until every cluster that it names is ready;
 * until then the one before serves. A cluster that the control plane does not have holds a new table back when the old one
 * did without it; a first table, and one that never had it, goes into force and answers for that cluster with an error.
 */
import type { RouteConfiguration } from '#/model/route.ts'
import { compileRoutes, prepareRoutes } from '#/proxy/route/route-table.ts'
import type { UpstreamCluster } from '#/proxy/upstream/upstream-cluster.ts'
import type { Log } from '#/std/log.ts'
import type { ClusterEntry } from './cluster-entry.ts'
import type { ClusterRegistry } from './cluster-registry.ts'
import type { WarmRoutes } from './warm-routes.ts'
import { clustersOf } from './warm-routes.ts'

/** A table with what it holds of the registry. */
interface Closure {
  table: WarmRoutes['table']
  entries: ClusterEntry[]
  /** By which it holds them. */
  onChange: () => void
}

export class Warming {
  readonly #clusters: ClusterRegistry
  readonly #log: Log
  readonly #onChange: () => void
  #pending: Closure | undefined
  #inForce: Closure | undefined
  #current: WarmRoutes | undefined
  #ticket = 0
  #fault = ''

  /** @param options.onChange a table has come into force, or a first one was found faulty. */
  constructor(options: { clusters: ClusterRegistry; log: Log; onChange: () => void }) {
    this.#clusters = options.clusters
    this.#log = options.log
    this.#onChange = options.onChange
  }

  get current(): WarmRoutes | undefined {
    return this.#current
  }

  /** Why the last configuration could not be compiled; empty when it could. */
  get fault(): string {
    return this.#fault
  }

  /** Clusters that a new table waits for. */
  get waitsFor(): string[] {
    return this.#pending?.entries.filter(({ state }) => state !== 'ready').map(({ name }) => name) ?? []
  }

  offer(configuration: RouteConfiguration): void {
    const ticket = ++this.#ticket
    prepareRoutes(configuration)
      .then(() => ticket === this.#ticket && this.#compile(configuration))
      .catch((error: unknown) => this.#reject(configuration.name, error))
  }

  close(): void {
    this.#ticket++
    this.#letGo(this.#pending)
    this.#letGo(this.#inForce)
    this.#pending = undefined
    this.#inForce = undefined
    this.#current = undefined
  }

  #compile(configuration: RouteConfiguration): void {
    const table = compileRoutes(configuration)
    this.#fault = ''
    const before = this.#pending
    const onChange = (): void => this.#advance()
    const entries = [...clustersOf(configuration)].map((name) => this.#clusters.acquire(name, onChange))
    this.#pending = { table, entries, onChange }
    this.#letGo(before)
    this.#advance()
  }

  #reject(name: string, error: unknown): void {
    this.#fault = error instanceof Error ? error.message : String(error)
    this.#log.error('a route configuration is faulty; the last good one stays', { name, fault: this.#fault })
    if (!this.#current) this.#onChange()
  }

  #advance(): void {
    if (this.#pending?.entries.every((entry) => this.#maySettle(entry))) {
      const before = this.#inForce
      this.#inForce = this.#pending
      this.#pending = undefined
      this.#publish(this.#inForce)
      this.#letGo(before)
    } else if (this.#inForce && this.#hasNewCluster(this.#inForce)) {
      this.#publish(this.#inForce)
    }
  }

  #maySettle({ state, name }: ClusterEntry): boolean {
    if (state !== 'missing') return state === 'ready'
    const held = this.#inForce?.entries.some((entry) => entry.name === name)
    return !this.#inForce || held === true
  }

  /** A cluster of the table in force that was missing has appeared. */
  #hasNewCluster({ entries }: Closure): boolean {
    return entries.some(({ name, upstream }) => upstream !== undefined && !this.#current?.clusters.has(name))
  }

  #publish({ table, entries }: Closure): void {
    const clusters = new Map<string, UpstreamCluster>()
    for (const { name, upstream } of entries) if (upstream) clusters.set(name, upstream)
    this.#current = { table, clusters }
    this.#onChange()
  }

  #letGo(closure: Closure | undefined): void {
    if (!closure) return
    for (const entry of closure.entries) this.#clusters.release(entry, closure.onChange)
  }
}
