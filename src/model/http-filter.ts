/** What is asked of requests beside routing them (Envoy: HTTP filters), in the order in which it is done. One field a filter. */
import type { AccessRules } from './access.ts'
import type { JwtRules } from './authentication.ts'
import type { ExternalAuthorization } from './external-authorization.ts'

/** Of a listener, or of a route in place of the listener's. */
export interface HttpFilters {
  /** Envoy: `envoy.filters.http.jwt_authn`. */
  jwt?: JwtRules
  /** Envoy: `envoy.filters.http.rbac`. */
  access?: AccessRules
  /** Envoy: `envoy.filters.http.ext_authz`. */
  externalAuthorization?: ExternalAuthorization
  /** Hosts of requests are looked up; for Envoy alone (`envoy.filters.http.dynamic_forward_proxy`). */
  dynamicHosts?: boolean
}
