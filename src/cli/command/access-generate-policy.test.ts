import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accessPolicySchema } from '#/api/access-policy.ts'
import { accessPolicyFaults } from '#/api/access-policy-rules.ts'
import { buildMeshEdge, buildPlainEdge } from '#/control/traffic/testing/edge-builder.ts'
import { type MeshEdge, missingPath } from '#/model/traffic.ts'
import { policiesFromTraffic, type SeenTraffic } from './access-generate-policy.ts'

const workloads = ['reviews-v1', 'reviews-v2'].flatMap((workload) =>
  [0, 1].map((i) => ({
    namespace: 'shop',
    workload,
    labels: { app: 'reviews', version: workload.slice(-2), 'pod-template-hash': `h${i}` },
  })),
)

const seenOf = (edges: MeshEdge[], given: Partial<SeenTraffic> = {}) =>
  policiesFromTraffic({ workloads, edges, trustDomain: 'cluster.local', withAddresses: false, ...given })

const rulesOf = (edges: MeshEdge[], given: Partial<SeenTraffic> = {}) => seenOf(edges, given).policies[0]?.spec.rules

const account = (name: string): string => `spiffe://cluster.local/ns/${name.replace('/', '/sa/')}`

test('versions of one application have one policy, callers that do the same one rule', () => {
  const { policies, leftOut } = seenOf([
    buildMeshEdge({ method: 'GET', path: '/reviews/{id}' }),
    buildMeshEdge({ method: 'GET', path: '/healthz', workload: 'shop/reviews-v2' }),
    buildMeshEdge({ method: 'POST', path: '/reviews' }),
    buildMeshEdge({ method: 'GET', path: '/reviews/{id}', principal: account('web/admin') }),
    buildMeshEdge({ method: 'DELETE', path: '/reviews/{id}', principal: account('web/admin') }),
    ...['batch/a', 'batch/b'].map((name) => buildMeshEdge({ path: '/export', principal: account(name) })),
  ])
  assert.deepEqual(leftOut, [])
  assert.deepEqual(policies, [
    {
      apiVersion: 'weft.dev/v1alpha1',
      kind: 'AccessPolicy',
      metadata: { name: 'reviews-as-seen', namespace: 'shop' },
      spec: {
        selector: { matchLabels: { app: 'reviews' } },
        action: 'Allow',
        rules: [
          {
            from: [{ serviceAccounts: ['batch/a', 'batch/b'] }],
            to: [{ ports: [8080], methods: ['GET'], paths: ['/export'] }],
          },
          {
            from: [{ serviceAccounts: ['web/admin'] }],
            to: [{ ports: [8080], methods: ['DELETE', 'GET'], paths: ['/reviews/{id}'] }],
          },
          {
            from: [{ serviceAccounts: ['web/storefront'] }],
            to: [
              { ports: [8080], methods: ['GET'], paths: ['/healthz', '/reviews/{id}'] },
              { ports: [8080], methods: ['POST'], paths: ['/reviews'] },
            ],
          },
        ],
      },
    },
  ])
})

test('gRPC is named by service and method, streams by port', () => {
  const grpc = { protocol: 'grpc', method: 'POST', port: 9000 } as const
  assert.deepEqual(
    rulesOf([
      buildMeshEdge({ ...grpc, path: '/shop.Cart/Add' }),
      buildMeshEdge({ ...grpc, path: '/shop.Cart/Get' }),
      buildMeshEdge({ protocol: 'tcp', method: '', path: '', port: 6379 }),
    ]),
    [
      {
        from: [{ serviceAccounts: ['web/storefront'] }],
        to: [{ ports: [6379] }, { ports: [9000], grpc: [{ service: 'shop.Cart', methods: ['Add', 'Get'] }] }],
      },
    ],
  )
})

test('callers of another trust domain are named with it', () => {
  const [rule] = rulesOf([buildMeshEdge({ principal: 'spiffe://partner.example/ns/web/sa/storefront' })])!
  assert.deepEqual(rule!.from, [{ serviceAccounts: ['web/storefront'], trustDomains: ['partner.example'] }])
})

test('what was denied is not allowed, and what nobody has proven only by address when asked for', () => {
  const plain = buildMeshEdge({ ...buildPlainEdge(), caller: 'batch/nightly', count: 4 })
  const { policies, leftOut } = seenOf([buildMeshEdge({ verdict: 'denied', rule: 'x' }), plain, { ...plain, count: 3 }])
  assert.deepEqual(policies, [])
  assert.deepEqual(
    leftOut.map(({ who, count }) => [who, count]),
    [['batch/nightly 10.0.0.9/32', 7]],
  )
  assert.deepEqual(rulesOf([plain], { withAddresses: true })![0]!.from, [{ ipBlocks: ['10.0.0.9/32'] }])
})

test('paths are as rules see them, and those that no rule can name are left out', () => {
  const edges = ['/a//b', '/a/%7Eb/../c', '/x%2fy', '/odd;v=1', '/star*', '*', '/**', missingPath, '/deep/**']
  const { policies, leftOut } = seenOf(edges.map((path) => buildMeshEdge({ path })))
  assert.deepEqual(policies[0]!.spec.rules![0]!.to![0]!.paths, ['/a/b', '/a/c', '/deep/**'])
  assert.deepEqual(leftOut.map(({ what }) => what).sort(), [
    'GET *',
    'GET /**',
    'GET /odd;v=1',
    'GET /star*',
    'GET /x%2fy',
    `GET ${missingPath}`,
  ])
})

test('a workload that nothing can be attached to, and calls out, make no policy', () => {
  assert.deepEqual(seenOf([buildMeshEdge({ workload: 'shop/unknown' }), buildMeshEdge({ direction: 'outbound' })]), {
    policies: [],
    leftOut: [],
  })
  assert.deepEqual(seenOf([buildMeshEdge()], { workloads: [{ ...workloads[0]!, labels: {} }] }).policies, [])
})

test('more than a policy can hold makes several, all of them valid', () => {
  const edges = Array.from({ length: 150 }, (_, i) =>
    buildMeshEdge({
      principal: account(`web/caller-${i}`),
      path: `/only/x${'abcdefghij'[i % 10]}/${'klmnopqrstuvwxy'[i % 15]}${i % 7}`,
    }),
  )
  const many = Array.from({ length: 600 }, (_, i) => buildMeshEdge({ path: `/many/y${i}` }))
  const { policies } = seenOf([...edges, ...many])
  assert.ok(policies.length > 1)
  assert.deepEqual(
    policies.map(({ metadata }) => metadata.name),
    policies.map((_, i) => (i === 0 ? 'reviews-as-seen' : `reviews-as-seen-${i + 1}`)),
  )
  for (const policy of policies) assert.deepEqual(accessPolicyFaults(accessPolicySchema.parse(policy)), [])
})
