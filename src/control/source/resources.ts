/**
 * Everything users and the system have said, as it was said: the one snapshot shape of both sources (files on disk, the
 * Kubernetes API). Objects here passed their schema; a faulty one is represented by its last good version, if it had one.
 */
import type { KindName, Kinds } from '#/api/kinds.ts'

/** Where an object was written: a file on disk, or (later) the Kubernetes API. Lines and columns count from 1. */
export interface Origin {
  file: string
  line: number
  column: number
}

export interface Sourced<T> {
  readonly value: T
  readonly origin: Origin
  /** Where a field of the object stands, for faults that are found later: path like `spec.rules[0].backendRefs[1].name`. */
  locate(path: string): Origin
}

export interface Resources {
  /** Objects of a kind by `namespace/name` (or by `name` for what has no namespace), in stable order. */
  of<K extends KindName>(kind: K): ReadonlyMap<string, Sourced<Kinds[K]>>
}

/** Something a user should mend. Never thrown: collected, shown on the terminal, in `weft lint` and in statuses. */
export interface Fault {
  severity: 'error' | 'warning'
  /** Stable, kebab-case: `unknown-field`, `dangling-backend`. Declared in `src/api/fault-codes.ts`. */
  code: string
  /** `HTTPRoute/shop/reviews`, empty when the document could not be read that far. */
  object: string
  origin: Origin
  /** `spec.rules[0].matches[0].path.type`; empty for the whole document. */
  field: string
  /** What is wrong, one sentence. */
  message: string
  /** What was expected, and what to do. */
  cure: string
}
