/**
 * The listeners that this proxy must bind, by wildcard, each with its routes. One is handed over when its routes are warm;
 * a lazy one at once, its routes being fetched when the first connection comes.
 */
import type { Listener } from '#/model/listener.ts'
import type { AccessTable } from '#/proxy/policy/access/access-table.ts'
import { ListenerAccess } from '#/proxy/policy/access/listener-access.ts'
import { ListenerTokens } from '#/proxy/policy/jwt/listener-tokens.ts'
import type { TokenCheck } from '#/proxy/policy/jwt/token-check.ts'
import type { WarmStreams } from '#/proxy/stream/stream-table.ts'
import type { Log } from '#/std/log.ts'
import type { ResourceSource } from '#/xds/fetch/resource-source.ts'
import { AuthorizationTarget, type WarmAuthorization } from './authorization-target.ts'
import type { ClusterRegistry } from './cluster-registry.ts'
import type { RouteRegistry } from './route-registry.ts'
import { RouteTarget } from './route-target.ts'
import { StreamTarget } from './stream-target.ts'
import type { WarmRoutes } from './warm-routes.ts'

export interface ListenerTableOptions {
  source: ResourceSource
  routes: RouteRegistry
  clusters: ClusterRegistry
  log: Log
  /** A listener is to be bound, or what is bound has changed. Called again with each change. */
  onListener: (entry: ListenerEntry) => void
  onListenerGone: (name: string) => void
}

/** Waits for the routes of a lazy listener. */
export interface RoutesWaiter {
  onRoutes(): void
}

export class ListenerEntry {
  readonly name: string
  #listener: Listener
  readonly #target: RouteTarget
  readonly #streams: StreamTarget
  readonly #access: ListenerAccess
  readonly #tokens = new ListenerTokens()
  readonly #authorization: AuthorizationTarget
  readonly #onChange: () => void
  readonly #waiters = new Set<RoutesWaiter>()
  #isWoken = false

  constructor(listener: Listener, options: ListenerTableOptions, onChange: (entry: ListenerEntry) => void) {
    this.name = listener.name
    this.#listener = listener
    this.#onChange = () => onChange(this)
    this.#target = new RouteTarget({ ...options, onChange: () => this.#changed() })
    this.#streams = new StreamTarget({ clusters: options.clusters, onChange: () => this.#changed() })
    this.#authorization = new AuthorizationTarget({ clusters: options.clusters, onChange: () => this.#changed() })
    this.#access = new ListenerAccess((fault) => {
      if (fault !== '')
        options.log.error('access rules can not be read: nothing passes', { listener: listener.name, fault })
      this.#changed()
    })
    this.offer(listener)
  }

  get listener(): Listener {
    return this.#listener
  }

  /** Undefined for a listener on demand, and until the routes are warm. */
  get current(): WarmRoutes | undefined {
    return this.#target.current
  }

  /** Where opaque bytes go; undefined when the listener takes none. */
  get streams(): WarmStreams | undefined {
    return this.#streams.current
  }

  /** Who may do what; undefined: anybody anything. */
  get access(): AccessTable | undefined {
    return this.#access.table
  }

  /** What tokens have to be; undefined: they are not looked at. */
  get tokens(): TokenCheck | undefined {
    return this.#tokens.check
  }

  /** Who else is asked; undefined: nobody. */
  get authorization(): WarmAuthorization | undefined {
    return this.#authorization.current
  }

  /** Connections have their routes, or will never have any. */
  get isSettled(): boolean {
    const hasRoutes = this.#listener.target.type !== 'routes' || this.current !== undefined || this.#target.isHopeless
    return hasRoutes && this.#streams.isSettled && this.#access.isSettled && this.#authorization.isSettled
  }

  get mayBind(): boolean {
    return this.isSettled || (this.#listener.isLazy && !this.#isWoken && this.#listener.protocol !== 'udp')
  }

  get trouble(): string {
    const clusters = [...this.#streams.waitsFor, ...this.#authorization.waitsFor]
    return this.#target.trouble || (clusters.length > 0 ? `waits for ${clusters.join(', ')}` : '')
  }

  offer(listener: Listener): void {
    this.#listener = listener
    this.#access.set(listener.filters?.access)
    this.#tokens.set(listener.filters?.jwt)
    this.#authorization.set(listener.filters?.externalAuthorization)
    // The first datagram can't wait: there is nobody to send it again.
    if (!listener.isLazy || this.#isWoken || listener.protocol === 'udp') this.#fetch(listener)
    this.#onChange()
  }

  #fetch({ target, streams = [] }: Listener): void {
    this.#streams.set(streams)
    if (target.type === 'routes') this.#target.set(target.routes)
  }

  /** The first connection has come: a lazy listener now needs its routes. */
  wake(): void {
    if (this.#isWoken) return
    this.#isWoken = true
    if (this.#listener.isLazy) this.#fetch(this.#listener)
  }

  /** Only while not settled. */
  wait(waiter: RoutesWaiter): void {
    this.#waiters.add(waiter)
  }

  stopWaiting(waiter: RoutesWaiter): void {
    this.#waiters.delete(waiter)
  }

  close(): void {
    this.#target.close()
    this.#streams.close()
    this.#authorization.close()
  }

  #changed(): void {
    this.#onChange()
    if (!this.isSettled) return
    for (const waiter of [...this.#waiters]) {
      this.#waiters.delete(waiter)
      waiter.onRoutes()
    }
  }
}

export class ListenerTable {
  readonly #options: ListenerTableOptions
  readonly #entries = new Map<string, ListenerEntry>()
  #isSynced = false

  constructor(options: ListenerTableOptions) {
    this.#options = options
    options.source.subscribe('listener', '*', {
      onResource: (name, listener) => this.#offer(name, listener),
      onMissing: (name) => this.#remove(name),
      onSynced: () => {
        this.#isSynced = true
      },
    })
  }

  get entries(): ReadonlyMap<string, ListenerEntry> {
    return this.#entries
  }

  /** The first whole answer is there. */
  get isSynced(): boolean {
    return this.#isSynced
  }

  /** The first whole answer is there, and everything that it names, save what is lazy. */
  get isReady(): boolean {
    if (!this.#isSynced) return false
    for (const entry of this.#entries.values()) if (!entry.mayBind) return false
    return true
  }

  close(): void {
    for (const entry of this.#entries.values()) entry.close()
    this.#entries.clear()
  }

  /** Destinations that were asked for by name come here too; they have no address. */
  #offer(name: string, listener: Listener): void {
    const entry = this.#entries.get(name)
    if (!listener.address) {
      if (entry) this.#remove(name)
    } else if (entry) {
      entry.offer(listener)
    } else {
      this.#entries.set(name, new ListenerEntry(listener, this.#options, (one) => this.#changed(one)))
      this.#changed(this.#entries.get(name)!)
    }
  }

  #remove(name: string): void {
    const entry = this.#entries.get(name)
    if (!entry) return
    this.#entries.delete(name)
    this.#options.onListenerGone(name)
    entry.close()
  }

  #changed(entry: ListenerEntry): void {
    if (this.#entries.get(entry.name) === entry && entry.mayBind) this.#options.onListener(entry)
  }
}
