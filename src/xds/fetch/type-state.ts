/** One resource type on the client's side: what is wanted, what is known, what the last answers said. */
import type { ResourceKind } from '../resources/resource.ts'
import { KnownResources } from './known-resources.ts'
import type { ResourceWatcher, Subscription } from './resource-source.ts'

/** A response that was refused. */
export interface Rejection {
  /** Milliseconds since 1970. */
  atMs: number
  version: string
  faults: readonly string[]
}

/** The name of the subscription to everything. */
export const wildcard = '*'

export class TypeState<K extends ResourceKind> {
  readonly kind: K
  readonly typeUrl: string
  readonly known = new KnownResources<K>()
  readonly #watchers = new Map<string, Set<ResourceWatcher<K>>>()
  /** Names whose wish the server has not been told of, true to subscribe, false to unsubscribe. */
  readonly #untold = new Map<string, boolean>()
  readonly #onChange: () => void
  nonce = ''
  /** State of the world: version of the last accepted answer. */
  version = ''
  isSynced = false
  rejection: Rejection | undefined
  acks = 0
  nacks = 0

  constructor(options: { kind: K; typeUrl: string; onChange: () => void }) {
    this.kind = options.kind
    this.typeUrl = options.typeUrl
    this.#onChange = options.onChange
  }

  get names(): string[] {
    return [...this.#watchers.keys()]
  }

  isWanted(name: string): boolean {
    return this.#watchers.has(name)
  }

  subscribe(name: string, watcher: ResourceWatcher<K>): Subscription {
    let watchers = this.#watchers.get(name)
    if (!watchers) {
      watchers = new Set()
      this.#watchers.set(name, watchers)
      this.#wish(name, true)
    }
    watchers.add(watcher)
    setImmediate(() => this.#tellKnown(name, watcher))
    return { cancel: () => this.#cancel(name, watcher) }
  }

  #tellKnown(name: string, watcher: ResourceWatcher<K>): void {
    if (!this.#watchers.get(name)?.has(watcher)) return
    if (name === wildcard) {
      for (const { name: each, value } of this.known.values()) watcher.onResource(each, value)
      if (this.isSynced) watcher.onSynced?.()
      return
    }
    const resource = this.known.find(name)
    if (resource) watcher.onResource(resource.name, resource.value)
  }

  #cancel(name: string, watcher: ResourceWatcher<K>): void {
    const watchers = this.#watchers.get(name)
    if (!watchers?.delete(watcher) || watchers.size > 0) return
    this.#watchers.delete(name)
    this.#wish(name, false)
  }

  /** A wish and its withdrawal in one turn cancel out. */
  #wish(name: string, isSubscribe: boolean): void {
    if (this.#untold.get(name) === !isSubscribe) this.#untold.delete(name)
    else this.#untold.set(name, isSubscribe)
    this.#onChange()
  }

  /** Takes the wishes that the server has not heard. */
  takeUntold(): { subscribe: string[]; unsubscribe: string[] } {
    const subscribe: string[] = []
    const unsubscribe: string[] = []
    for (const [name, isSubscribe] of this.#untold) (isSubscribe ? subscribe : unsubscribe).push(name)
    this.#untold.clear()
    this.#forgetUnwanted()
    return { subscribe, unsubscribe }
  }

  /** A new stream knows nothing: everything is told anew, as `names`. */
  restart(): void {
    this.#untold.clear()
    this.nonce = ''
    this.#forgetUnwanted()
  }

  #forgetUnwanted(): void {
    if (this.isWanted(wildcard)) return
    for (const { name, aliases } of [...this.known.values()]) {
      if (!this.isWanted(name) && !aliases.some((alias) => this.isWanted(alias))) this.known.delete(name)
    }
  }

  notifyResource(name: string): void {
    const resource = this.known.find(name)
    if (!resource) return
    for (const asked of [wildcard, resource.name, ...resource.aliases]) {
      for (const watcher of [...(this.#watchers.get(asked) ?? [])]) watcher.onResource(resource.name, resource.value)
    }
  }

  /** @param aliases under which it had been known. */
  notifyMissing(name: string, aliases: readonly string[]): void {
    for (const asked of new Set([wildcard, name, ...aliases])) {
      for (const watcher of [...(this.#watchers.get(asked) ?? [])]) watcher.onMissing(name)
    }
  }

  notifySynced(): void {
    this.isSynced = true
    for (const watcher of [...(this.#watchers.get(wildcard) ?? [])]) watcher.onSynced?.()
  }
}
