import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessPolicySchema } from './access-policy.ts'
import { accessPolicyFaults, readIpBlock } from './access-policy-rules.ts'

/** Codes and places of what is wrong with rules. */
function faultsOf(spec: object, namespace = 'shop'): string[] {
  const policy = accessPolicySchema.parse({
    apiVersion: 'weft.dev/v1alpha1',
    kind: 'AccessPolicy',
    metadata: { name: 'p', namespace },
    spec,
  })
  return accessPolicyFaults(policy).map(({ code, path }) => `${code} ${path.slice(1).join('.')}`)
}

const toFaults = (operation: object): string[] => faultsOf({ rules: [{ to: [operation] }] })
const fromFaults = (source: object): string[] => faultsOf({ rules: [{ from: [source] }] })

test('takes what it should', () => {
  assert.deepEqual(faultsOf({}), [])
  assert.deepEqual(faultsOf({ action: 'Deny', rules: [{}] }), [])
  assert.deepEqual(fromFaults({ serviceAccounts: ['web', 'shop/web', 'shop/*', '*'], trustDomains: ['a.example'] }), [])
  assert.deepEqual(fromFaults({ ipBlocks: ['10.0.0.0/8', '::1', 'fd00::/8'], notNamespaces: ['x'] }), [])
  assert.deepEqual(toFaults({ paths: ['/', '/a/{id}/b', '/a/**', '/a%20b', '/é'], methods: ['GET', 'X-PURGE'] }), [])
  assert.deepEqual(toFaults({ hosts: ['shop.example', '*.shop.example:80', '[::1]:80'], ports: [80] }), [])
  assert.deepEqual(toFaults({ grpc: [{ service: 'shop.Orders', methods: ['Get'] }], headers: [{ name: 'x-a' }] }), [])
})

test('takes claims of tokens', () => {
  assert.deepEqual(
    fromFaults({ claims: [{ name: 'sub', values: ['ann'] }], notClaims: [{ name: 'a', values: ['b'] }] }),
    [],
  )
})

test('a policy that does nothing is told, but for the one that denies by default', () => {
  assert.deepEqual(faultsOf({ action: 'Deny' }), ['contradiction rules'])
  assert.deepEqual(faultsOf({ action: 'Audit', rules: [] }), ['contradiction rules'])
  assert.deepEqual(fromFaults({}), ['missing-field rules.0.from.0'])
  assert.deepEqual(toFaults({}), ['missing-field rules.0.to.0'])
})

test('what is asked for and excluded at once is told', () => {
  assert.deepEqual(toFaults({ methods: ['GET'], notMethods: ['GET', 'POST'] }), [
    'contradiction rules.0.to.0.notMethods',
  ])
  assert.deepEqual(toFaults({ methods: ['GET', 'PUT'], notMethods: ['GET'] }), [])
  assert.deepEqual(fromFaults({ namespaces: ['a'], notNamespaces: ['a'] }), [
    'contradiction rules.0.from.0.notNamespaces',
  ])
  assert.deepEqual(toFaults({ grpc: [{ service: 'a.B' }], paths: ['/a'] }), ['contradiction rules.0.to.0.grpc'])
})

const wrong: [string, object, string][] = [
  ['a path without a slash', { paths: ['orders'] }, 'bad-path rules.0.to.0.paths.0'],
  ['a star within a segment', { paths: ['/orders*'] }, 'bad-path rules.0.to.0.paths.0'],
  ['two stars before the end', { paths: ['/**/a'] }, 'bad-path rules.0.to.0.paths.0'],
  ['a query', { notPaths: ['/a?b'] }, 'bad-path rules.0.to.0.notPaths.0'],
  ['two slashes', { paths: ['//a'] }, 'bad-path rules.0.to.0.paths.0'],
  ['a dot segment', { paths: ['/a/../b'] }, 'bad-path rules.0.to.0.paths.0'],
  ['an escaped slash', { paths: ['/a%2Fb'] }, 'bad-path rules.0.to.0.paths.0'],
  ['a broken escape', { paths: ['/100%'] }, 'bad-path rules.0.to.0.paths.0'],
  ['a parameter', { paths: ['/a;b'] }, 'bad-path rules.0.to.0.paths.0'],
  ['a method in small letters', { methods: ['get'] }, 'wrong-value rules.0.to.0.methods.0'],
  ['no method', { methods: ['GET POST'] }, 'wrong-format rules.0.to.0.methods.0'],
  ['a URL for a host', { hosts: ['http://shop'] }, 'bad-hostname rules.0.to.0.hosts.0'],
  [
    'a header that rules have a field for',
    { headers: [{ name: 'Host' }] },
    'bad-header-name rules.0.to.0.headers.0.name',
  ],
  ['no header', { headers: [{ name: 'x a' }] }, 'bad-header-name rules.0.to.0.headers.0.name'],
  [
    'a path for a gRPC method',
    { grpc: [{ service: 'a.B', methods: ['/a.B/C'] }] },
    'bad-method rules.0.to.0.grpc.0.methods.0',
  ],
]

for (const [name, operation, fault] of wrong)
  test(`${name} is told where it stands`, () => {
    assert.deepEqual(toFaults(operation), [fault])
  })

test('callers that nobody can be are told', () => {
  assert.deepEqual(fromFaults({ serviceAccounts: ['spiffe://a/ns/b/sa/c'] }), [
    'wrong-format rules.0.from.0.serviceAccounts.0',
  ])
  assert.deepEqual(fromFaults({ trustDomains: ['spiffe://a'] }), ['wrong-format rules.0.from.0.trustDomains.0'])
  assert.deepEqual(fromFaults({ ipBlocks: ['10.0.0.0/33'] }), ['bad-address rules.0.from.0.ipBlocks.0'])
})

test('expressions that can not be told are refused with their place', () => {
  const whenFaults = (when: string): string[] => faultsOf({ rules: [{ when }] })
  for (const when of [
    "request.method == 'GET' && !(request.headers['x-team'] != \"blue\")",
    "request.url_path.startsWith('/a') || 'x-team' in request.headers",
    "destination.port in [80, 8080] && connection.mtls && request.host == 'a'",
    "connection.uri_san_peer_certificate.endsWith('/sa/web')",
  ])
    assert.deepEqual(whenFaults(when), [], when)
  for (const when of [
    'request.method',
    'request.method = "GET"',
    "request.path == '/a'",
    "request.method == 'GET' &&",
    "(request.method == 'GET'",
    "request.headers.x == 'a'",
    "request.url_path.matches('a')",
    "request.headers['x'].startsWith('a')",
    "destination.port == '80'",
    "request.time > timestamp('x')",
    'true',
  ])
    assert.deepEqual(whenFaults(when), ['bad-expression rules.0.when'], when)
})

test('only who runs the mesh can speak for all of it', () => {
  const targetRefs = [{ group: 'weft.dev', kind: 'Mesh', name: 'default' }]
  assert.deepEqual(faultsOf({ targetRefs }), ['target-not-permitted targetRefs.0.kind'])
  assert.deepEqual(faultsOf({ targetRefs }, 'weft-system'), [])
})

test('blocks of addresses are read, or not', () => {
  assert.deepEqual(readIpBlock('10.1.0.0/16'), { address: '10.1.0.0', prefixBits: 16 })
  assert.deepEqual(readIpBlock('::1'), { address: '::1', prefixBits: 128 })
  for (const text of ['10.1', '10.0.0.0/', '10.0.0.0/8/8', 'fe80::1%eth0', '::/129', 'x'])
    assert.equal(readIpBlock(text), undefined)
})
