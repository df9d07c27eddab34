/** Encodes values once: the same object, or an equal one, gives the resource that was made for it before. */
import { createHash } from 'node:crypto'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { encodeAssignment } from '#/xds/resources/encode/assignment.ts'
import { encodeCluster } from '#/xds/resources/encode/cluster.ts'
import { encodeListener } from '#/xds/resources/encode/listener.ts'
import { encodeRoute } from '#/xds/resources/encode/route.ts'
import { encodeSecret } from '#/xds/resources/encode/secret.ts'
import { type ResourceKind, type ResourceValues, typeUrls } from '#/xds/resources/resource.ts'
import type { EncodedResource } from '#/xds/serve/snapshot.ts'

const encoders: { [K in ResourceKind]: (value: ResourceValues[K]) => Uint8Array } = {
  secret: encodeSecret,
  cluster: encodeCluster,
  assignment: encodeAssignment,
  listener: encodeListener,
  route: encodeRoute,
}

export function encodeResource<K extends ResourceKind>(kind: K, value: ResourceValues[K]): EncodedResource {
  const body = encoders[kind](value)
  const any = new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string(typeUrls[kind])
    .tag(2, WireType.LengthDelimited)
    .bytes(body)
    .finish()
  const version = createHash('sha1').update(body).digest('base64url').slice(0, 12)
  return { name: value.name, version, any }
}

/** One type's resources by name, following a map of values from publish to publish. */
export class EncodedTable<K extends ResourceKind> {
  readonly #kind: K
  #encoded = new Map<string, { value: ResourceValues[K]; resource: EncodedResource }>()

  constructor(kind: K) {
    this.#kind = kind
  }

  update(values: ReadonlyMap<string, ResourceValues[K]>): ReadonlyMap<string, EncodedResource> {
    const next = new Map<string, { value: ResourceValues[K]; resource: EncodedResource }>()
    const resources = new Map<string, EncodedResource>()
    for (const [name, value] of values) {
      const before = this.#encoded.get(name)
      let entry = before?.value === value ? before : { value, resource: encodeResource(this.#kind, value) }
      if (before && entry !== before && before.resource.version === entry.resource.version)
        entry = { value, resource: before.resource }
      next.set(name, entry)
      resources.set(name, entry.resource)
    }
    this.#encoded = next
    return resources
  }
}
