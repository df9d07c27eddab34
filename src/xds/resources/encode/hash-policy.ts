/** HashKey → RouteAction.HashPolicy. */
import type { HashKey } from '#/model/hash-key.ts'
import type { RouteAction_HashPolicySchema } from '#/xds/proto/envoy/config/route/v3/route_components_pb.ts'
import type { InitOf } from './any.ts'

type Policy = InitOf<typeof RouteAction_HashPolicySchema>

/** The first key that a request has decides: Envoy would mix them all. */
export function hashPolicies(keys: readonly HashKey[]): Policy[] {
  return keys.map((key) => ({ policySpecifier: specifierOf(key), terminal: true }))
}

function specifierOf(key: HashKey): NonNullable<Policy['policySpecifier']> {
  switch (key.type) {
    case 'header':
      return { case: 'header', value: { headerName: key.name } }
    case 'path':
      return { case: 'header', value: { headerName: ':path' } }
    case 'cookie':
      return { case: 'cookie', value: { name: key.name } }
    case 'query':
      return { case: 'queryParameter', value: { name: key.name } }
    case 'source':
      return { case: 'connectionProperties', value: { sourceIp: true } }
  }
}
