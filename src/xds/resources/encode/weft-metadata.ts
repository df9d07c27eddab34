/** Weft's own facts in Envoy's `filter_metadata`, as a protobuf Struct of strings, numbers and booleans. */
import { create, type JsonObject } from '@bufbuild/protobuf'
import type { Metadata } from '#/xds/proto/envoy/config/core/v3/base_pb.ts'
import { MetadataSchema } from '#/xds/proto/envoy/config/core/v3/base_pb.ts'
import { metadataKey } from '../resource.ts'

/** Undefined and empty values are left out; nothing at all gives no metadata. Keys are sorted: equal facts, equal bytes. */
export function weftMetadata(facts: Record<string, string | number | boolean | undefined>): Metadata | undefined {
  const kept = Object.entries(facts)
    .filter(([, value]) => value !== undefined && value !== '' && value !== false)
    .sort(([a], [b]) => (a < b ? -1 : 1))
  if (kept.length === 0) return undefined
  return create(MetadataSchema, { filterMetadata: { [metadataKey]: Object.fromEntries(kept) as JsonObject } })
}
