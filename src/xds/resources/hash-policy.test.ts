import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import type { RouteAction_HashPolicySchema } from '#/xds/proto/envoy/config/route/v3/route_components_pb.ts'
import { RouteConfigurationSchema } from '#/xds/proto/envoy/config/route/v3/route_pb.ts'
import { decoders } from './decode/decoders.ts'
import type { InitOf } from './encode/any.ts'

function decode(hashPolicy: InitOf<typeof RouteAction_HashPolicySchema>[]) {
  const action = {
    case: 'route' as const,
    value: { clusterSpecifier: { case: 'cluster' as const, value: 'c' }, hashPolicy },
  }
  const match = { pathSpecifier: { case: 'prefix' as const, value: '/' } }
  const virtualHosts = [{ name: 'v', domains: ['*'], routes: [{ match, action }] }]
  return decoders.route(
    toBinary(RouteConfigurationSchema, create(RouteConfigurationSchema, { name: 'r', virtualHosts })),
  )
}

const header = (headerName: string, terminal = false) => ({
  policySpecifier: { case: 'header' as const, value: { headerName } },
  terminal,
})

test('one key needs no end, and names of headers are in lower case', () => {
  const outcome = decode([header('X-User')])
  assert.ok(outcome.ok, JSON.stringify(outcome))
  const { action } = outcome.value.virtualHosts[0]!.routes[0]!
  assert.deepEqual(action.type === 'forward' && action.hashOn, [{ type: 'header', name: 'x-user' }])
})

for (const [what, policies, field] of [
  ['a mixture of two keys', [header('a'), header('b')], 'hash_policy[0].terminal'],
  [
    'a cookie that the proxy would make',
    [{ policySpecifier: { case: 'cookie' as const, value: { name: 'a', ttl: { seconds: 1n } } } }],
    'hash_policy[0].cookie.ttl',
  ],
  [
    'a rewritten header',
    [{ policySpecifier: { case: 'header' as const, value: { headerName: 'a', regexRewrite: { substitution: 'x' } } } }],
    'hash_policy[0].header.regex_rewrite',
  ],
  [
    'a key that is no part of a request',
    [{ policySpecifier: { case: 'filterState' as const, value: { key: 'k' } } }],
    'hash_policy[0]',
  ],
] as const) {
  test(`${what} is refused by name`, () => {
    const outcome = decode([...policies])
    assert.ok(!outcome.ok && outcome.faults.some((fault) => fault.includes(field)), JSON.stringify(outcome))
  })
}
