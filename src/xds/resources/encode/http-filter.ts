/** HttpFilters → the HTTP filters of a connection manager, and `typed_per_filter_config` of a route. */
import type { Any } from '@bufbuild/protobuf/wkt'
import type { HttpFilters } from '#/model/http-filter.ts'
import { dynamicHostsEncoder } from './dynamic-hosts.ts'
import { extAuthzEncoder } from './ext-authz.ts'
import { jwtEncoder } from './jwt.ts'
import { rbacAllowEncoder, rbacDenyEncoder } from './rbac.ts'

/** One filter, in a file of its own. */
export interface HttpFilterEncoder {
  /** As Envoy calls it: `envoy.filters.http.rbac`. */
  name: string
  /**
   * For the connection manager. A filter that only routes configure has to stand there too, doing nothing.
   * @param filters of the listener. @returns undefined when it has nothing to do there.
   */
  encode(filters: HttpFilters): Any | undefined
  /** For a route. @returns undefined when the route says nothing of it. */
  encodeRoute(filters: HttpFilters): Any | undefined
}

/** In the order in which requests pass them. */
const encoders: readonly HttpFilterEncoder[] = [
  jwtEncoder,
  rbacDenyEncoder,
  rbacAllowEncoder,
  extAuthzEncoder,
  dynamicHostsEncoder,
]

/** Without the router, which comes last. */
export function httpFiltersOf(filters: HttpFilters) {
  return encoders.flatMap(({ name, encode }) => {
    const value = encode(filters)
    return value ? [{ name, configType: { case: 'typedConfig' as const, value } }] : []
  })
}

export function routeFiltersOf(filters: HttpFilters): Record<string, Any> {
  const configs: Record<string, Any> = {}
  for (const { name, encodeRoute } of encoders) {
    const value = encodeRoute(filters)
    if (value) configs[name] = value
  }
  return configs
}
