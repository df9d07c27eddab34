/** The objects of one kind in a cluster, each in its last good version, and what is wrong with the present ones. */
import { type KindName, kinds } from '#/api/kinds.ts'
import type { RuleFault } from '#/api/rule-check.ts'
import type { ApiObject } from '#/kubernetes/resource.ts'
import { formatPath } from './field-path.ts'
import type { Fault, Origin, Sourced } from './resources.ts'
import { schemaFaults } from './schema-fault.ts'

interface Row {
  /** Without its resource version: what a write changed that Weft does not read is no change. */
  text: string
  sourced: Sourced<never> | undefined
  faults: Fault[]
}

export class KubernetesTable {
  readonly #kind: KindName
  readonly #rows = new Map<string, Row>()
  #present: ReadonlyMap<string, Sourced<never>> | undefined

  constructor(kind: KindName) {
    this.#kind = kind
  }

  /** Good objects in the order of their keys; the same map until one of them changes. */
  get objects(): ReadonlyMap<string, Sourced<never>> {
    this.#present ??= new Map(
      [...this.#rows]
        .flatMap(([key, { sourced }]) => (sourced ? ([[key, sourced]] as const) : []))
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    )
    return this.#present
  }

  get faults(): Fault[] {
    return [...this.#rows.values()].flatMap(({ faults }) => faults)
  }

  /** @returns whether anything changed. */
  replaceAll(objects: readonly ApiObject[]): boolean {
    const gone = new Set(this.#rows.keys())
    let isChanged = false
    for (const object of objects) {
      gone.delete(this.#keyOf(object))
      if (this.set(object)) isChanged = true
    }
    for (const key of gone) this.#drop(key)
    return isChanged || gone.size > 0
  }

  /** @returns whether anything changed. */
  set(object: ApiObject): boolean {
    const key = this.#keyOf(object)
    const { resourceVersion: _version, ...metadata } = object.metadata
    const value = { ...object, metadata }
    const text = JSON.stringify(value)
    const before = this.#rows.get(key)
    if (before?.text === text) return false
    const row = this.#check(key, value, text)
    // An invalid object never disturbs: its last good version stays in force.
    if (!row.sourced && before?.sourced) row.sourced = before.sourced
    if (row.sourced !== before?.sourced) this.#present = undefined
    this.#rows.set(key, row)
    return true
  }

  delete(object: ApiObject): boolean {
    const key = this.#keyOf(object)
    if (!this.#rows.has(key)) return false
    this.#drop(key)
    return true
  }

  #drop(key: string): void {
    this.#rows.delete(key)
    this.#present = undefined
  }

  #keyOf({ metadata: { name, namespace = 'default' } }: ApiObject): string {
    return kinds[this.#kind].isNamespaced ? `${namespace}/${name}` : name
  }

  #check(key: string, value: unknown, text: string): Row {
    const row = kinds[this.#kind]
    const checked = schemaFaults(row.schema, value)
    const rules = (row as { rules?: (value: never) => RuleFault[] }).rules
    const found = checked.faults.length > 0 ? checked.faults : (rules?.(checked.value as never) ?? [])
    const object = `${this.#kind}/${key}`
    // The API keeps no lines: the object is the place.
    const origin: Origin = { file: object, line: 1, column: 1 }
    const faults = found.map(
      ({ code, path, message, cure, severity = 'error' }: RuleFault & { severity?: Fault['severity'] }): Fault => {
        return { severity, code, object, origin, field: formatPath(path), message, cure }
      },
    )
    const sourced = found.length > 0 ? undefined : { value: checked.value as never, origin, locate: () => origin }
    return { text, sourced, faults }
  }
}
