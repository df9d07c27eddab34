/** The resources of one type that a client holds: by canonical name, found by alias too. */
import type { ResourceKind, ResourceValues } from '../resources/resource.ts'

export interface KnownResource<K extends ResourceKind> {
  name: string
  aliases: readonly string[]
  version: string
  /** As it came, for the last-good file. */
  body: Uint8Array
  value: ResourceValues[K]
}

export class KnownResources<K extends ResourceKind> {
  readonly #byName = new Map<string, KnownResource<K>>()
  readonly #byAlias = new Map<string, string>()

  get size(): number {
    return this.#byName.size
  }

  values(): IterableIterator<KnownResource<K>> {
    return this.#byName.values()
  }

  /** By canonical name or alias. */
  find(name: string): KnownResource<K> | undefined {
    return this.#byName.get(name) ?? this.#byName.get(this.#byAlias.get(name) ?? '')
  }

  /** A new version keeps the aliases that were known: a server need not repeat them (delta protocol). */
  set(resource: KnownResource<K>): void {
    const aliases = new Set([...(this.#byName.get(resource.name)?.aliases ?? []), ...resource.aliases])
    this.#byName.set(resource.name, { ...resource, aliases: [...aliases] })
    for (const alias of aliases) this.#byAlias.set(alias, resource.name)
  }

  delete(name: string): KnownResource<K> | undefined {
    const resource = this.find(name)
    if (!resource) return undefined
    this.#byName.delete(resource.name)
    for (const alias of resource.aliases) if (this.#byAlias.get(alias) === resource.name) this.#byAlias.delete(alias)
    return resource
  }

  versions(): Map<string, string> {
    return new Map([...this.#byName.values()].map(({ name, version }) => [name, version]))
  }
}
