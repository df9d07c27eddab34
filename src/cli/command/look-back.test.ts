import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import type { AccessPolicy } from '#/api/access-policy.ts'
import type { AuditEntry } from '#/control/audit/audit-entry.ts'
import { buildDecision, buildMeshEdge, buildPlainEdge } from '#/control/traffic/testing/edge-builder.ts'
import type { MeshTraffic } from '#/model/traffic.ts'
import type { Workload } from '#/model/workload.ts'
import { type ServedRecords, serveRecords } from '../testing/record-server.ts'
import { runCli } from '../testing/run-cli.ts'

const nowMs = Date.now()
const place = { host: '127.0.0.1', port: 1 }

const workload = (name: string, namespace = 'shop'): Workload => ({
  namespace,
  workload: name,
  pod: `${name}-0`,
  serviceAccount: name,
  app: name,
  version: 'v1',
  labels: { app: name },
  address: '127.0.0.1',
  ports: [{ port: 8080, name: 'http', application: place, inbound: place, mutualTls: 'permissive' }],
  explicit: {},
  isRedirected: false,
  hasIdentity: true,
  isReady: true,
  isDraining: false,
})

const source = (pod: string) => ({ node: pod, workload: '', state: 'told', toldMs: nowMs, detail: '' }) as const

const traffic = (given: Partial<MeshTraffic> = {}): MeshTraffic => ({
  fromMs: 0,
  nowMs,
  sinceMs: nowMs - 600_000,
  sources: [source('reviews-0.shop'), source('cart-0.shop')],
  edges: [
    buildMeshEdge({ workload: 'shop/reviews', lastMs: nowMs - 5000 }),
    buildMeshEdge({ workload: 'shop/cart', lastMs: nowMs - 5000 }),
  ],
  ...given,
})

const asked = (t: TestContext, given: Partial<ServedRecords>) =>
  serveRecords(t, {
    traffic: traffic(),
    workloads: [workload('reviews'), workload('cart')],
    policies: [],
    entries: [],
    ...given,
  })

const plain = buildMeshEdge({
  ...buildPlainEdge(),
  workload: 'shop/cart',
  caller: 'batch/nightly',
  count: 4,
  lastMs: nowMs - 180_000,
})

test('authn report names who would be turned away, and for how long it was looked', async (t) => {
  const control = await asked(t, { traffic: traffic({ edges: [...traffic().edges, plain] }) })
  const { code, output } = await runCli(['authn', 'report', '--control', control])
  assert.equal(code, 1)
  assert.equal(
    output,
    [
      'Traffic of the last 10 min: there is none older. What happens less often than that has not been seen.',
      '',
      'WORKLOAD      PORT  MODE        MUTUAL TLS  PLAINTEXT  STRICT   WHY',
      'shop/cart     8080  permissive           1          4  not yet  would be turned away: batch/nightly (10.0.0.9)',
      'shop/reviews  8080  permissive           1          0  safe     its one call came by mutual TLS',
      '',
      'Without mutual TLS:',
      '',
      'CALLER                    CALLS           BY         TIMES  LAST',
      'batch/nightly (10.0.0.9)  shop/cart:8080  plaintext      4  3 min ago',
      '',
    ].join('\n'),
  )
})

test('authn report says which namespace is safe as a whole, and tells programs all', async (t) => {
  const control = await asked(t, {})
  const { code, output } = await runCli(['authn', 'report', '--control', control])
  assert.equal(code, 0)
  assert.match(output, /\nSafe as a whole: shop\n$/)
  const data = JSON.parse((await runCli(['authn', 'report', '-o', 'json', '--control', control])).output)
  assert.deepEqual(
    data.ports.map(({ workload: name, verdict }: { workload: string; verdict: string }) => [name, verdict]),
    [
      ['cart', 'safe'],
      ['reviews', 'safe'],
    ],
  )
  assert.equal((await runCli(['authn', 'report', '-n', 'other', '--control', control])).code, 0)
})

test('authn report takes a sidecar that could not be asked for a reason to look again', async (t) => {
  const control = await asked(t, { traffic: traffic({ sources: [source('reviews-0.shop')] }) })
  const { code, output } = await runCli(['authn', 'report', '--control', control])
  assert.equal(code, 1)
  assert.match(output, /shop\/cart .* unknown {2}1 of 1 sidecars could not be asked/)
})

test('access generate writes YAML that can be applied, with what it leaves out in comments', async (t) => {
  const control = await asked(t, { traffic: traffic({ edges: [...traffic().edges, plain] }) })
  const { code, output } = await runCli(['access', 'generate', '--since', '1h', '--control', control])
  assert.equal(code, 0)
  const policies = parseAllDocuments(output).map((document) => document.toJS() as AccessPolicy)
  assert.deepEqual(
    policies.map(({ metadata }) => metadata.name),
    ['cart-as-seen', 'reviews-as-seen'],
  )
  assert.match(output, /^# What was called within 10 min until /)
  assert.match(
    output,
    /# {3}batch\/nightly 10.0.0.9\/32 > shop\/cart:8080 GET \/reviews\/\{id\} \(4 times\): plaintext/,
  )
  const withAddresses = await runCli(['access', 'generate', '--with-addresses', '--control', control])
  assert.match(withAddresses.output, /ipBlocks:\n\s+- 10.0.0.9\/32/)
})

test('access generate shows the difference from what is in force, and none when there is none', async (t) => {
  const served: ServedRecords = { traffic: traffic(), workloads: [workload('reviews')], policies: [], entries: [] }
  const control = await serveRecords(t, served)
  const generate = (...words: string[]) => runCli(['access', 'generate', ...words, '--control', control])
  const policy = parse((await generate()).output) as AccessPolicy
  assert.match((await generate('--diff')).output, /^--- \(none\)\n\+\+\+ shop\/reviews-as-seen\n@@ -0,0 /)
  const named = { ...policy, metadata: { namespace: 'shop', name: 'by-hand' } }
  served.policies.push({ file: 'access.yaml', line: 1, value: named })
  assert.deepEqual(await generate('--diff'), {
    code: 0,
    output: 'The policies in force allow exactly this.\n',
    errors: '',
  })
  named.spec.rules![0]!.from![0]!.serviceAccounts!.push('web/gone')
  const { code, output } = await generate('--diff')
  assert.equal(code, 1)
  assert.match(output, /^--- access.yaml \(shop\/by-hand\)\n/)
  assert.deepEqual(output.match(/^[-+] .*$/gm), ['-          - web/gone'])
})

test('access generate says why there is nothing to write', async (t) => {
  const control = await asked(t, { traffic: traffic({ edges: [plain] }) })
  const { code, errors } = await runCli(['access', 'generate', '--control', control])
  assert.equal(code, 1)
  assert.match(errors, /no traffic was seen .*\n.*batch\/nightly 10.0.0.9\/32 called shop\/cart .*plaintext/)
})

test('audit tells decisions and changes, the newest last, and only those asked for', async (t) => {
  const at = (agoMs: number): string => new Date(nowMs - agoMs).toISOString()
  const { atMs: _, ...decision } = buildDecision()
  const entries: AuditEntry[] = [
    { type: 'start', at: at(100_000_000), objects: 3 },
    {
      type: 'change',
      at: at(3000),
      change: 'changed',
      object: 'AccessPolicy/shop/orders',
      by: 'access.yaml:3',
      generation: 2,
      fields: [{ path: 'spec.action', before: 'Audit', after: 'Deny' }],
    },
    { type: 'decision', at: at(2000), node: 'orders-0.shop', workload: 'shop/orders', ...decision },
    { type: 'lost', at: at(1000), node: 'orders-0.shop', workload: 'shop/orders', count: 7 },
  ]
  const control = await asked(t, { entries })
  const audit = async (...words: string[]) => (await runCli(['audit', ...words, '--control', control])).output
  const lines = (await audit()).replace(/^\S+Z {2}/gm, '').split('\n')
  assert.deepEqual(lines, [
    'changed  AccessPolicy/shop/orders  access.yaml:3, generation 2',
    '    spec.action: Audit → Deny',
    'denied   spiffe://cluster.local/ns/web/sa/storefront > shop/orders:8080 DELETE /orders/17  access_denied: AccessPolicy/shop/orders rule 0',
    'lost     7 decisions of orders-0.shop: there were more than could be read',
    '',
  ])
  const types = (text: string) => (JSON.parse(text) as AuditEntry[]).map(({ type }) => type)
  assert.deepEqual(types(await audit('--since', '30d', '-o', 'json')), ['start', 'change', 'decision', 'lost'])
  assert.deepEqual(types(await audit('--only', 'changes', '-o', 'json')), ['change'])
  assert.deepEqual(types(await audit('--limit', '1', '-o', 'json')), ['lost'])
  assert.equal((await runCli(['audit', '--limit', '0', '--control', control])).code, 2)
  assert.equal((await runCli(['audit', '--since', 'never', '--control', control])).code, 2)
})

test('access review tells rights and their use as table, CSV and JSON', async (t) => {
  const allow = [
    { name: 'AccessPolicy/shop/cart rule 0', principal: { type: 'any' }, permission: { type: 'any' } },
  ] as const
  const [reviews, cart] = [workload('reviews'), workload('cart')]
  const guarded = { ...cart, ports: [{ ...cart.ports[0]!, access: { deny: [], audit: [], allow } }] }
  const control = await asked(t, {
    workloads: [reviews, guarded],
    traffic: traffic({ edges: traffic().edges.slice(0, 1) }),
  })
  const ask = (...words: string[]) => runCli(['access', 'review', ...words, '--control', control])
  const { code, output } = await ask()
  assert.equal(code, 1)
  assert.equal(
    output,
    [
      'Rights now, and their use within 10 min: older traffic is not known.',
      '',
      'CALLER   WORKLOAD           USE     TIMES  LAST     RULE                           WHAT',
      'anybody  shop/cart:8080     unused      0           AccessPolicy/shop/cart rule 0  everything',
      'anybody  shop/reviews:8080  open        1  5 s ago  -                              everything',
      '',
      '1 unused, 1 open',
      '',
    ].join('\n'),
  )
  assert.deepEqual((await ask('-o', 'csv', '--unused')).output.split('\r\n'), [
    'caller,workload,port,what,rule,use,count,last',
    'anybody,shop/cart,8080,everything,AccessPolicy/shop/cart rule 0,unused,0,',
    '',
  ])
  const { rights } = JSON.parse((await ask('-o', 'json', '-n', 'shop')).output)
  assert.deepEqual(
    rights.map(({ use, last }: { use: string; last: string }) => [use, last]),
    [
      ['unused', ''],
      ['open', new Date(nowMs - 5000).toISOString()],
    ],
  )
  assert.equal((await ask('-n', 'nowhere')).code, 0)
})
