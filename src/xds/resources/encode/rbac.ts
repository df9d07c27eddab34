/**
 * AccessRules → Envoy's HTTP filter RBAC, twice: what is denied, with what is audited as its shadow rules, then what is allowed. One filter
 * has one action, and an allow that comes first would hide the denials behind it from nobody, but from its log.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { AccessRules } from '#/model/access.ts'
import { RBACSchema } from '#/xds/proto/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts'
import { RBACSchema as NetworkRBACSchema } from '#/xds/proto/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts'
import { packAny } from './any.ts'
import type { HttpFilterEncoder } from './http-filter.ts'
import { rbacOf } from './rbac-rules.ts'

type Denials = Pick<
  Exclude<MessageInitShape<typeof RBACSchema>, { $typeName: string }>,
  'rules' | 'shadowRules' | 'shadowRulesStatPrefix'
>

function denialsOf({ deny, audit }: AccessRules): Denials {
  return {
    ...(deny.length > 0 ? { rules: rbacOf('DENY', deny) } : {}),
    ...(audit.length > 0 ? { shadowRules: rbacOf('DENY', audit), shadowRulesStatPrefix: 'weft_audit_' } : {}),
  }
}

export const rbacDenyEncoder: HttpFilterEncoder = {
  name: 'envoy.filters.http.rbac',
  encode({ access }) {
    return access && packAny(RBACSchema, create(RBACSchema, denialsOf(access)))
  },
  /** Ports are told apart by the rules, so that routes have none of their own. */
  encodeRoute: () => undefined,
}

export const rbacAllowEncoder: HttpFilterEncoder = {
  name: 'envoy.filters.http.rbac.allow',
  encode({ access }) {
    if (!access?.allow) return undefined
    return packAny(RBACSchema, create(RBACSchema, { rules: rbacOf('ALLOW', access.allow) }))
  },
  encodeRoute: () => undefined,
}

/** Before a TCP proxy. */
export function networkAccess(access: AccessRules, statPrefix: string) {
  const filter = (name: string, config: Denials) => ({
    name,
    configType: {
      case: 'typedConfig' as const,
      value: packAny(NetworkRBACSchema, create(NetworkRBACSchema, { statPrefix, ...config })),
    },
  })
  return [
    filter('envoy.filters.network.rbac', denialsOf(access)),
    ...(access.allow ? [filter('envoy.filters.network.rbac.allow', { rules: rbacOf('ALLOW', access.allow) })] : []),
  ]
}
