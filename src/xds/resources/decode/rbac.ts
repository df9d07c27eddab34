/** envoy.extensions.filters.http.rbac.v3.RBAC, and the network filter of that name → AccessRules. */
import type { AccessRules } from '#/model/access.ts'
import type { FieldReader } from './field-reader.ts'
import type { HttpFilterDecoder } from './http-filter.ts'
import { noAccess, readAccess } from './rbac-rules.ts'

export const networkRbacType = 'envoy.extensions.filters.network.rbac.v3.RBAC'

export const rbacDecoder: HttpFilterDecoder = {
  typeName: 'envoy.extensions.filters.http.rbac.v3.RBAC',
  routeTypeName: 'envoy.extensions.filters.http.rbac.v3.RBACPerRoute',
  read(config, filters) {
    filters.access = readAccess(config, filters.access ?? noAccess)
  },
  readRoute(config) {
    config.skip()
    config.fault('', 'unsupported by this proxy: a listener asks for all its routes alike')
  },
}

/** @param access of the filters of the chain before this one. */
export function readNetworkRbac(config: FieldReader, access: AccessRules | undefined): AccessRules {
  if (config.enumeration('enforcement_type', 'ONE_TIME_ON_FIRST_BYTE') !== 'ONE_TIME_ON_FIRST_BYTE')
    config.fault('enforcement_type', 'only ONE_TIME_ON_FIRST_BYTE is supported by this proxy')
  return readAccess(config, access ?? noAccess)
}
