/** The HTTP filters of a connection manager, or a route's configuration of them → HttpFilters. */
import type { HttpFilters } from '#/model/http-filter.ts'
import { extAuthzDecoder } from './ext-authz.ts'
import type { FieldReader } from './field-reader.ts'
import { jwtDecoder } from './jwt.ts'
import { rbacDecoder } from './rbac.ts'

/** One filter, in a file of its own. */
export interface HttpFilterDecoder {
  /** In a connection manager. */
  typeName: string
  /** In `typed_per_filter_config`. */
  routeTypeName: string
  /** Sets the filter's field; what is unsupported is a fault of the reader. */
  read(config: FieldReader, filters: HttpFilters): void
  readRoute(config: FieldReader, filters: HttpFilters): void
}

const decoders: readonly HttpFilterDecoder[] = [jwtDecoder, rbacDecoder, extAuthzDecoder]
const byType = new Map(decoders.map((decoder) => [decoder.typeName, decoder]))
const byRouteType = new Map(decoders.map((decoder) => [decoder.routeTypeName, decoder]))

/** @returns undefined for a filter that this proxy does not know. */
export function findHttpFilter(typeName: string): HttpFilterDecoder | undefined {
  return byType.get(typeName)
}

/** @param typeName of the message in `typed_per_filter_config`. */
export function findRouteFilter(typeName: string): HttpFilterDecoder | undefined {
  return byRouteType.get(typeName)
}
