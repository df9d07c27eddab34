import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildMeshEdge, buildPlainEdge } from '#/control/traffic/testing/edge-builder.ts'
import type { AccessRule, Combined, Permission } from '#/model/access.ts'
import type { MeshEdge } from '#/model/traffic.ts'
import type { Workload, WorkloadPort } from '#/model/workload.ts'
import { reviewAccess } from './access-review-report.ts'
import { conditionText } from './access-review-words.ts'

const place = { host: '127.0.0.1', port: 1 }
const idOf = (account: string): string => `spiffe://cluster.local/ns/${account.replace('/', '/sa/')}`

function workload(name: string, access?: WorkloadPort['access']): Workload {
  const port = { port: 8080, name: 'http', application: place, inbound: place, ...(access ? { access } : {}) }
  return {
    namespace: 'shop',
    workload: name,
    pod: `${name}-0`,
    serviceAccount: name,
    ports: [port],
  } as unknown as Workload
}

const get = (path: string): Combined<Permission> => ({
  type: 'and',
  conditions: [
    { type: 'header', match: { name: ':method', type: 'exact', value: 'GET', isInverted: false } },
    { type: 'path', match: { type: path.includes('*') ? 'template' : 'exact', value: path } },
  ],
})

function rule(
  name: string,
  accounts: string[] | 'any',
  permission: Combined<Permission> = { type: 'any' },
): AccessRule {
  const principal = accounts === 'any' ? ({ type: 'any' } as const) : or(accounts)
  return { name, principal, permission }
}

const or = (accounts: string[]): AccessRule['principal'] => ({
  type: 'or',
  conditions: accounts.map((one) => ({ type: 'authenticated', match: { type: 'exact', value: idOf(one) } })),
})

function review(workloads: Workload[], edges: MeshEdge[]): string[] {
  const traffic = { fromMs: 0, nowMs: 9000, sinceMs: 0, sources: [], edges }
  return reviewAccess({ workloads, traffic, trustDomain: 'cluster.local' }).map(
    ({ caller, workload: name, use, count, rule: by, what }) => `${caller} > ${name} ${use} ${count} [${by}] ${what}`,
  )
}

const at = (name: string, given: Partial<MeshEdge> = {}): MeshEdge =>
  buildMeshEdge({ workload: `shop/${name}`, ...given })

test('each account has a line a rule, with what was done by it', () => {
  const rules = {
    deny: [],
    audit: [],
    allow: [
      rule('read', ['web/storefront', 'shop/cart', 'web/gone'], get('/reviews/*')),
      rule('write', ['web/storefront']),
    ],
  }
  assert.deepEqual(
    review(
      [workload('reviews', rules), workload('cart')],
      [
        at('reviews', { count: 5 }),
        at('reviews', { count: 2, method: 'POST', path: '/reviews' }),
        at('reviews', { count: 1, principal: idOf('web/other'), path: '/reviews/{id}' }),
      ],
    ),
    [
      'anybody > shop/cart open 0 [] everything',
      'shop/cart > shop/reviews unused 0 [read] GET, /reviews/*',
      'web/other > shop/reviews withdrawn 1 [] GET /reviews/{id}',
      'web/storefront > shop/reviews used 5 [read] GET, /reviews/*',
      'web/storefront > shop/reviews used 2 [write] everything',
    ],
  )
})

test('a rule for accounts that nobody has is told by its own words', () => {
  const rules = { deny: [], audit: [], allow: [rule('old', ['web/gone'])] }
  assert.deepEqual(review([workload('reviews', rules)], []), ['web/gone > shop/reviews unused 0 [old] everything'])
})

test('rules for anybody and for addresses are used by whoever came by them', () => {
  const block: AccessRule['principal'] = { type: 'address', block: { address: '10.0.0.0', prefixBits: 24 } }
  const rules = {
    deny: [],
    audit: [],
    allow: [{ ...rule('near', 'any'), principal: block }, rule('health', 'any', get('/healthz'))],
  }
  const plain = buildPlainEdge()
  assert.deepEqual(
    review(
      [workload('reviews', rules)],
      [
        at('reviews', { ...plain, count: 4 }),
        at('reviews', { ...plain, addressBlock: '10.9.0.1/32', path: '/healthz', count: 3 }),
      ],
    ),
    ['10.0.0.0/24 > shop/reviews used 4 [near] everything', 'anybody > shop/reviews used 3 [health] GET, /healthz'],
  )
})

test('what is forbidden and what was refused stand apart, gRPC and streams are asked as what they are', () => {
  const rules = {
    deny: [rule('never', ['shop/cart'])],
    audit: [],
    allow: [
      rule('calls', ['web/storefront'], {
        type: 'and',
        conditions: [
          { type: 'path', match: { type: 'prefix', value: '/shop.Cart/' } },
          {
            type: 'header',
            match: { name: 'content-type', type: 'prefix', value: 'application/grpc', isInverted: false },
          },
        ],
      }),
      rule('bytes', ['web/storefront']),
    ],
  }
  const edges = [
    at('reviews', { protocol: 'grpc', method: 'POST', path: '/shop.Cart/Add', count: 2 }),
    at('reviews', { protocol: 'tcp', method: '', path: '', count: 6 }),
    at('reviews', { principal: idOf('shop/cart'), verdict: 'denied', rule: 'never', count: 8 }),
  ]
  assert.deepEqual(review([workload('reviews', rules), workload('cart', { deny: [], audit: [], allow: [] })], edges), [
    'shop/cart > shop/reviews denied 0 [never] everything',
    'shop/cart > shop/reviews refused 8 [never] GET /reviews/{id}',
    'web/storefront > shop/reviews used 6 [bytes] everything',
    'web/storefront > shop/reviews used 2 [calls] path prefix /shop.Cart/, content-type prefix application/grpc',
  ])
})

test('conditions read as a person would say them', () => {
  const method = (value: string): Combined<Permission> => ({
    type: 'header',
    match: { name: ':method', type: 'exact', value, isInverted: false },
  })
  const cases: [Combined<Permission>, string][] = [
    [{ type: 'any' }, 'everything'],
    [{ type: 'not', condition: { type: 'any' } }, 'nothing'],
    [{ type: 'or', conditions: [] }, 'nothing'],
    [{ type: 'or', conditions: [method('GET'), method('PUT')] }, 'GET or PUT'],
    [
      {
        type: 'and',
        conditions: [
          { type: 'or', conditions: [get('/a'), get('/b')] },
          { type: 'port', port: 80 },
        ],
      },
      '((GET, /a) or (GET, /b)), port 80',
    ],
    [{ type: 'not', condition: { type: 'path', match: { type: 'prefix', value: '/x' } } }, 'not (path prefix /x)'],
  ]
  for (const [condition, text] of cases) assert.equal(conditionText(condition), text)
})
