import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import type { AccessRule, AccessRules, Combined, Permission, Principal } from '#/model/access.ts'
import type { Listener, StreamRoute } from '#/model/listener.ts'
import { plainPaths } from '#/model/path-rules.ts'
import type { ValueMatch } from '#/model/route.ts'
import { ListenerSchema } from '#/xds/proto/envoy/config/listener/v3/listener_pb.ts'
import { RBACPerRouteSchema, RBACSchema } from '#/xds/proto/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts'
import { RouterSchema } from '#/xds/proto/envoy/extensions/filters/http/router/v3/router_pb.ts'
import { HttpConnectionManagerSchema } from '#/xds/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import { decoders } from './decode/decoders.ts'
import { packAny } from './encode/any.ts'
import { encodeListener } from './encode/listener.ts'

const name = 'inbound:8080'
const any = { type: 'any' } as const

function listenerWith(parts: Partial<Listener>): Listener {
  return {
    name,
    address: { host: '127.0.0.1', port: 8080 },
    direction: 'inbound',
    target: { type: 'routes', routes: { type: 'inline', configuration: { name, virtualHosts: [] } } },
    isRedirected: false,
    isLazy: false,
    ...parts,
  }
}

function assertCarried(parts: Partial<Listener>): void {
  const listener = listenerWith(parts)
  assert.deepEqual(decoders.listener(encodeListener(listener)), { ok: true, value: listener })
}

function rule(principal: Combined<Principal>, permission: Combined<Permission>, number = 0): AccessRule {
  return { name: `AccessPolicy/shop/orders rule ${number}`, principal, permission }
}

const principals: Combined<Principal>[] = [
  any,
  { type: 'authenticated', match: { type: 'exact', value: 'spiffe://weft.local/ns/shop/sa/web' } },
  { type: 'authenticated', match: { type: 'prefix', value: 'spiffe://weft.local/ns/shop/' } },
  { type: 'authenticated', match: { type: 'suffix', value: '/sa/web' } },
  { type: 'address', block: { address: '10.0.0.0', prefixBits: 8 } },
  { type: 'address', block: { address: '::', prefixBits: 0 } },
  { type: 'claim', path: ['realm_access', 'roles'], match: { type: 'exact', value: 'admin' } },
  { type: 'not', condition: { type: 'address', block: { address: 'fd00::', prefixBits: 8 } } },
  { type: 'and', conditions: [any, { type: 'or', conditions: [any, { type: 'not', condition: any }] }] },
]

const header = (match: Partial<ValueMatch>): Combined<Permission> => ({
  type: 'header',
  match: { name: 'x-user', type: 'exact', value: 'ann', isInverted: false, ...match },
})

const permissions: Combined<Permission>[] = [
  any,
  { type: 'port', port: 8080 },
  { type: 'path', match: { type: 'exact', value: '/orders' } },
  { type: 'path', match: { type: 'prefix', value: '/orders/' } },
  { type: 'path', match: { type: 'suffix', value: '.png' } },
  { type: 'path', match: { type: 'contains', value: ';' } },
  { type: 'path', match: { type: 'template', value: '/orders/*/lines.v1/(a)/**' } },
  { type: 'path', match: { type: 'template', value: '/**' } },
  header({ name: ':method', value: 'GET' }),
  header({ type: 'regex', value: '(?i)ann|bob' }),
  header({ type: 'present', value: '', isInverted: true }),
  { type: 'not', condition: { type: 'and', conditions: [header({}), { type: 'or', conditions: [any] }] } },
]

test('every condition comes over', () => {
  for (const principal of principals)
    assertCarried({ filters: { access: { deny: [rule(principal, any)], audit: [] } } })
  for (const permission of permissions)
    assertCarried({ filters: { access: { deny: [rule(any, permission)], audit: [] } } })
})

test('denials, allows and audits stay apart and in order, and an allow of nothing is none', () => {
  const [one, two] = [rule(any, any, 0), rule(any, any, 1)]
  const all: AccessRules[] = [
    { deny: [], audit: [] },
    { deny: [two, one], audit: [] },
    { deny: [], allow: [], audit: [] },
    { deny: [], allow: [two, one], audit: [one, two] },
    { deny: [one], allow: [two], audit: [two] },
  ]
  for (const access of all) assertCarried({ filters: { access } })
})

test('access of streams comes over as network filters of their chains', () => {
  const stream: StreamRoute = {
    name,
    serverNames: [],
    backends: [{ type: 'cluster', cluster: name, weight: 1 }],
    access: { deny: [rule(principals[1]!, any)], allow: [rule(any, permissions[1]!)], audit: [rule(any, any)] },
  }
  assertCarried({ protocol: 'tcp', target: { type: 'streams' }, streams: [stream] })
  assertCarried({ protocol: 'auto', streams: [stream], filters: { access: { deny: [], allow: [], audit: [] } } })
})

test('what is done to paths comes over', () => {
  assertCarried({ paths: plainPaths })
  assertCarried({ paths: { isNormalized: false, mergesSlashes: true, escapedSlashes: 'keep' } })
})

type Rbac = Exclude<MessageInitShape<typeof RBACSchema>, { $typeName: string }>

function faultsOf(rbac: Rbac, isRoute = false): string {
  const config = packAny(RBACSchema, create(RBACSchema, rbac))
  const filter = (filterName: string, value: typeof config) => ({
    name: filterName,
    configType: { case: 'typedConfig' as const, value },
  })
  const perRoute = packAny(RBACPerRouteSchema, create(RBACPerRouteSchema, { rbac }))
  const manager = create(HttpConnectionManagerSchema, {
    routeSpecifier: {
      case: 'routeConfig',
      value: {
        virtualHosts: [
          {
            name: 'all',
            domains: ['*'],
            routes: [
              {
                match: { pathSpecifier: { case: 'prefix', value: '/' } },
                action: { case: 'directResponse', value: { status: 200 } },
                ...(isRoute ? { typedPerFilterConfig: { rbac: perRoute } } : {}),
              },
            ],
          },
        ],
      },
    },
    httpFilters: [
      ...(isRoute ? [] : [filter('rbac', config)]),
      filter('router', packAny(RouterSchema, create(RouterSchema))),
    ],
  })
  const listener = create(ListenerSchema, {
    name,
    address: {
      address: {
        case: 'socketAddress',
        value: { address: '127.0.0.1', portSpecifier: { case: 'portValue', value: 1 } },
      },
    },
    filterChains: [{ filters: [filter('manager', packAny(HttpConnectionManagerSchema, manager))] }],
  })
  const decoded = decoders.listener(toBinary(ListenerSchema, listener))
  return decoded.ok ? '' : decoded.faults.join('\n')
}

const policy = (parts: object): Rbac => ({
  rules: {
    policies: {
      one: {
        principals: [{ identifier: { case: 'any', value: true } }],
        permissions: [{ rule: { case: 'any', value: true } }],
        ...parts,
      },
    },
  },
})

test('what this proxy can not tell is refused by name', () => {
  assert.equal(faultsOf(policy({})), '')
  const refused: [Rbac, RegExp][] = [
    [policy({ principals: [] }), /policies\["one"\]\.principals: is empty/],
    [
      policy({ permissions: [{ rule: { case: 'uriTemplate', value: { name: 'x' } } }] }),
      /permissions\[0\]\.uri_template/,
    ],
    [policy({ permissions: [{ rule: { case: 'requestedServerName', value: {} } }] }), /requested_server_name/],
    [
      policy({ principals: [{ identifier: { case: 'metadata', value: {} } }] }),
      /principals\[0\]\.metadata: only claims/,
    ],
    [policy({ principals: [{ identifier: { case: 'remoteIp', value: {} } }] }), /principals\[0\]\.remote_ip/],
    [policy({ condition: {} }), /policies\["one"\]\.condition/],
    [{ matcher: {} }, /matcher: unsupported/],
    [{ shadowRules: {} }, /shadow_rules\.action: ALLOW is unsupported/],
    [
      policy({
        permissions: [
          {
            rule: {
              case: 'urlPath',
              value: {
                rule: { case: 'path', value: { matchPattern: { case: 'safeRegex', value: { regex: '/(a|b)' } } } },
              },
            },
          },
        ],
      }),
      /url_path\.path: only exact, prefix, suffix/,
    ],
  ]
  for (const [rbac, text] of refused) assert.match(faultsOf(rbac), text)
  assert.match(faultsOf(policy({}), true), /RBACPerRoute|unsupported by this proxy/)
})
