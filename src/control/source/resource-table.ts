/** `Resources` over plain maps. */
import type { KindName, Kinds } from '#/api/kinds.ts'
import type { Resources, Sourced } from './resources.ts'

const nothing: ReadonlyMap<string, Sourced<never>> = new Map()

export class ResourceTable implements Resources {
  readonly #byKind: ReadonlyMap<KindName, ReadonlyMap<string, Sourced<never>>>

  constructor(byKind: ReadonlyMap<KindName, ReadonlyMap<string, Sourced<never>>>) {
    this.#byKind = byKind
  }

  of<K extends KindName>(kind: K): ReadonlyMap<string, Sourced<Kinds[K]>> {
    return (this.#byKind.get(kind) ?? nothing) as ReadonlyMap<string, Sourced<Kinds[K]>>
  }
}
