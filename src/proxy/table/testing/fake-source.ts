/** A resource source in memory: `set` and `remove` are what the control plane says, `asked` is what the proxy wants. */

import type { ResourceSource, ResourceWatcher, Subscription } from '#/xds/fetch/resource-source.ts'
import type { ResourceKind, ResourceValues } from '#/xds/resources/resource.ts'

type AnyWatcher = ResourceWatcher<ResourceKind>

export class FakeSource implements ResourceSource {
  readonly #resources = new Map<string, { name: string; value: ResourceValues[ResourceKind] }>()
  readonly #watchers = new Map<string, Set<AnyWatcher>>()
  /** How often each `kind name` was subscribed to when nobody else was. */
  readonly asked = new Map<string, number>()
  isSynced = true

  subscribe<K extends ResourceKind>(kind: K, name: string, watcher: ResourceWatcher<K>): Subscription {
    const key = `${kind} ${name}`
    const watchers = this.#watchers.get(key) ?? new Set()
    if (watchers.size === 0) this.asked.set(key, (this.asked.get(key) ?? 0) + 1)
    watchers.add(watcher as unknown as AnyWatcher)
    this.#watchers.set(key, watchers)
    setImmediate(() => {
      if (!watchers.has(watcher as unknown as AnyWatcher)) return
      if (name !== '*') {
        const found = this.#resources.get(key)
        if (found) watcher.onResource(found.name, found.value as ResourceValues[K])
        return
      }
      for (const [each, found] of this.#resources)
        if (each === `${kind} ${found.name}`) watcher.onResource(found.name, found.value as ResourceValues[K])
      if (this.isSynced) watcher.onSynced?.()
    })
    return {
      cancel: () => {
        watchers.delete(watcher as unknown as AnyWatcher)
        if (watchers.size === 0) this.#watchers.delete(key)
      },
    }
  }

  isAsked(kind: ResourceKind, name: string): boolean {
    return (this.#watchers.get(`${kind} ${name}`)?.size ?? 0) > 0
  }

  /** @param aliases names under which it is found too. */
  set<K extends ResourceKind>(kind: K, value: ResourceValues[K], aliases: readonly string[] = []): void {
    for (const name of [value.name, ...aliases]) this.#resources.set(`${kind} ${name}`, { name: value.name, value })
    for (const name of ['*', value.name, ...aliases]) {
      for (const watcher of [...(this.#watchers.get(`${kind} ${name}`) ?? [])]) watcher.onResource(value.name, value)
    }
  }

  remove(kind: ResourceKind, name: string): void {
    this.#resources.delete(`${kind} ${name}`)
    for (const asked of ['*', name]) {
      for (const watcher of [...(this.#watchers.get(`${kind} ${asked}`) ?? [])]) watcher.onMissing(name)
    }
  }
}
