/** Discovery responses from resources that are already encoded: bytes are put together, nothing is encoded twice. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { EncodedResource } from './snapshot.ts'

const lengthDelimited = WireType.LengthDelimited

export interface DeltaResponseParts {
  typeUrl: string
  version: string
  nonce: string
  updates: readonly { resource: EncodedResource; aliases: readonly string[] }[]
  removed: readonly string[]
}

/** DeltaDiscoveryResponse: system_version_info 1, resources 2, type_url 4, nonce 5, removed_resources 6. */
export function deltaResponse({ typeUrl, version, nonce, updates, removed }: DeltaResponseParts): Uint8Array {
  const writer = new BinaryWriter()
  writer.tag(1, lengthDelimited).string(version)
  for (const { resource, aliases } of updates) {
    writer.tag(2, lengthDelimited).fork()
    writer.tag(1, lengthDelimited).string(resource.version)
    writer.tag(2, lengthDelimited).bytes(resource.any)
    writer.tag(3, lengthDelimited).string(resource.name)
    for (const alias of aliases) writer.tag(4, lengthDelimited).string(alias)
    writer.join()
  }
  writer.tag(4, lengthDelimited).string(typeUrl)
  writer.tag(5, lengthDelimited).string(nonce)
  for (const name of removed) writer.tag(6, lengthDelimited).string(name)
  return writer.finish()
}

/** DiscoveryResponse: version_info 1, resources 2, type_url 4, nonce 5. */
export function sotwResponse(parts: {
  typeUrl: string
  version: string
  nonce: string
  resources: readonly EncodedResource[]
}): Uint8Array {
  const writer = new BinaryWriter()
  writer.tag(1, lengthDelimited).string(parts.version)
  for (const { any } of parts.resources) writer.tag(2, lengthDelimited).bytes(any)
  writer.tag(4, lengthDelimited).string(parts.typeUrl)
  writer.tag(5, lengthDelimited).string(parts.nonce)
  return writer.finish()
}
