/** What the server serves: encoded resources, and what each client may see of them. */
import type { XdsNode } from '../node.ts'
import type { ResourceKind } from '../resources/resource.ts'

/** One resource, encoded once and shared by all who get it. */
export interface EncodedResource {
  /** Its canonical name. */
  name: string
  /** Hash of its bytes: equal bytes, equal version. */
  version: string
  /** The bytes of a google.protobuf.Any that holds it. */
  any: Uint8Array
}

/** What one client sees. */
export interface ResourceView {
  /** The resource behind a name or alias; `isExact` asks for one that is itself called `asked` (state of the world knows no aliases). */
  find(kind: ResourceKind, asked: string, isExact?: boolean): EncodedResource | undefined
  /** Everything that a wildcard subscription gives. */
  all(kind: ResourceKind): Iterable<EncodedResource>
}

export interface Snapshot {
  /** Grows with every publish. */
  version: number
  view(node: XdsNode): ResourceView
}
