/** Access rules → the policies of envoy.config.rbac.v3.RBAC. */
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { AccessRule, Combined, PathPattern, Permission, Principal, TextMatch } from '#/model/access.ts'
import { jwtMetadata } from '#/model/authentication.ts'
import {
  type PermissionSchema,
  type PrincipalSchema,
  type RBAC,
  RBAC_Action,
  RBACSchema,
} from '#/xds/proto/envoy/config/rbac/v3/rbac_pb.ts'
import { escapeRegex, headerMatcher } from './route-match.ts'

type PrincipalInit = Exclude<MessageInitShape<typeof PrincipalSchema>, { $typeName: string }>
type PermissionInit = Exclude<MessageInitShape<typeof PermissionSchema>, { $typeName: string }>

/** Policies bear the names of rules: Envoy's logs tell them. */
export function rbacOf(action: 'ALLOW' | 'DENY', rules: readonly AccessRule[]): RBAC {
  return create(RBACSchema, {
    action: RBAC_Action[action],
    policies: Object.fromEntries(
      rules.map(({ name, principal, permission }) => [
        name,
        { principals: [principalOf(principal)], permissions: [permissionOf(permission)] },
      ]),
    ),
  })
}

function principalOf(condition: Combined<Principal>): PrincipalInit {
  switch (condition.type) {
    case 'any':
      return { identifier: { case: 'any', value: true } }
    case 'not':
      return { identifier: { case: 'notId', value: principalOf(condition.condition) } }
    case 'and':
      return { identifier: { case: 'andIds', value: { ids: condition.conditions.map(principalOf) } } }
    case 'or':
      return { identifier: { case: 'orIds', value: { ids: condition.conditions.map(principalOf) } } }
    case 'authenticated':
      return { identifier: { case: 'authenticated', value: { principalName: textOf(condition.match) } } }
    case 'address': {
      const { address, prefixBits } = condition.block
      return { identifier: { case: 'directRemoteIp', value: { addressPrefix: address, prefixLen: prefixBits } } }
    }
    case 'claim': {
      const path = [jwtMetadata.key, ...condition.path].map((key) => ({
        segment: { case: 'key' as const, value: key },
      }))
      const value = claimValue(condition.match)
      return { identifier: { case: 'metadata', value: { filter: jwtMetadata.namespace, path, value } } }
    }
  }
}

/** The text, or one of a list. */
function claimValue(match: TextMatch) {
  const text = { matchPattern: { case: 'stringMatch' as const, value: textOf(match) } }
  const list = { matchPattern: { case: 'oneOf' as const, value: text } }
  const valueMatchers = [text, { matchPattern: { case: 'listMatch' as const, value: list } }]
  return { matchPattern: { case: 'orMatch' as const, value: { valueMatchers } } }
}

function permissionOf(condition: Combined<Permission>): PermissionInit {
  switch (condition.type) {
    case 'any':
      return { rule: { case: 'any', value: true } }
    case 'not':
      return { rule: { case: 'notRule', value: permissionOf(condition.condition) } }
    case 'and':
      return { rule: { case: 'andRules', value: { rules: condition.conditions.map(permissionOf) } } }
    case 'or':
      return { rule: { case: 'orRules', value: { rules: condition.conditions.map(permissionOf) } } }
    case 'port':
      return { rule: { case: 'destinationPort', value: condition.port } }
    case 'path':
      return { rule: { case: 'urlPath', value: { rule: { case: 'path', value: pathOf(condition.match) } } } }
    case 'header':
      return { rule: { case: 'header', value: headerMatcher(condition.match) } }
  }
}

function textOf({ type, value }: TextMatch) {
  return { matchPattern: { case: type, value } }
}

function pathOf({ type, value }: PathPattern) {
  if (type !== 'template') return { matchPattern: { case: type, value } }
  return { matchPattern: { case: 'safeRegex' as const, value: { regex: templateRegex(value) } } }
}

/** `/orders/*` is any one segment that is not empty, `**` at the end all the rest. */
function templateRegex(template: string): string {
  const segments = template.split('/').slice(1)
  const patterns = segments.map((segment) =>
    segment === '**' ? '.*' : /^(\*|\{.*\})$/.test(segment) ? '[^/]+' : escapeRegex(segment),
  )
  return `/${patterns.join('/')}`
}
