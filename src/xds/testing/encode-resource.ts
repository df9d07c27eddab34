/** Encodes for tests, without the cache of publishing. */
import { createHash } from 'node:crypto'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { encodeAssignment } from '../resources/encode/assignment.ts'
import { encodeCluster } from '../resources/encode/cluster.ts'
import { encodeListener } from '../resources/encode/listener.ts'
import { encodeRoute } from '../resources/encode/route.ts'
import { encodeSecret } from '../resources/encode/secret.ts'
import { type ResourceKind, type ResourceValues, typeUrls } from '../resources/resource.ts'
import type { EncodedResource } from '../serve/snapshot.ts'

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
  return { name: value.name, version: createHash('sha1').update(body).digest('base64url').slice(0, 12), any }
}
