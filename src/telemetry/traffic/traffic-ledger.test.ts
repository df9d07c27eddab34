import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TrafficEdge } from '#/model/traffic.ts'
import type { RequestRecord, StreamRecord } from '#/proxy/events.ts'
import { buildRecord, reviews, reviewsCluster, storefront } from '../testing/record-builder.ts'
import { TrafficLedger, type TrafficLedgerOptions } from './traffic-ledger.ts'

const storefrontId = 'spiffe://cluster.local/ns/web/sa/storefront'

function newLedger(options: Partial<TrafficLedgerOptions> = {}): TrafficLedger {
  return new TrafficLedger({ nowMs: () => 5000, ...options })
}

/** As a sidecar of reviews sees the storefront. */
const inbound = (given: Partial<RequestRecord> = {}): RequestRecord =>
  buildRecord({ direction: 'inbound', listener: 'inbound:8080', peer: storefront, path: '/reviews/1', ...given })

const briefly = ({ edges }: { edges: readonly TrafficEdge[] }): string[] =>
  edges.map(
    ({ principal, caller, addressBlock, destination, port, method, path, security, verdict, rule, count }) =>
      `${count} ${principal || caller || addressBlock} > ${destination}:${port} ${method} ${path} ${security} ${verdict} ${rule}`,
  )

test('requests that are alike are one edge, ids in paths and queries aside', () => {
  const ledger = newLedger()
  for (let i = 0; i < 5; i++) ledger.observe(inbound({ path: `/reviews/${i}?page=${i}`, wallMs: 100 + i }))
  const { edges } = ledger.report()
  assert.deepEqual(briefly({ edges }), ['5 web/storefront > :8080 GET /reviews/{id} plaintext allowed '])
  assert.deepEqual([edges[0]!.firstMs, edges[0]!.lastMs], [100, 104])
})

test('method, proof of identity, security, port and verdict each make an edge of their own', () => {
  const ledger = newLedger()
  const path = '/orders'
  ledger.observe(inbound({ path }))
  ledger.observe(inbound({ path, method: 'POST' }))
  ledger.observe(inbound({ path, peerPrincipal: storefrontId, isEncrypted: true }))
  ledger.observe(inbound({ path, peer: undefined, isEncrypted: true, remoteAddress: '10.0.0.9' }))
  ledger.observe(inbound({ path, originalPort: 9090, listener: 'inbound' }))
  ledger.observe(inbound({ path, deniedBy: 'AccessPolicy/shop/closed rule 0', code: 'mtls_required' }))
  ledger.observe(inbound({ path, auditedBy: 'AccessPolicy/shop/watch rule 1' }))
  ledger.observe(inbound({ path, grpcStatus: 0 }))
  for (let again = 0; again < 3; again++) ledger.observe(inbound({ path, method: 'POST' }))
  assert.deepEqual(briefly(ledger.report()), [
    '1 web/storefront > :8080 GET /orders plaintext allowed ',
    '4 web/storefront > :8080 POST /orders plaintext allowed ',
    `1 ${storefrontId} > :8080 GET /orders mutual_tls allowed `,
    '1 10.0.0.9/32 > :8080 GET /orders tls allowed ',
    '1 web/storefront > :9090 GET /orders plaintext allowed ',
    '1 web/storefront > :8080 GET /orders plaintext denied AccessPolicy/shop/closed rule 0',
    '1 web/storefront > :8080 GET /orders plaintext audited AccessPolicy/shop/watch rule 1',
    '1 web/storefront > :8080 GET /orders plaintext allowed ',
  ])
})

test('calls out are counted by Service, and by host where there is none', () => {
  const ledger = newLedger()
  ledger.observe(buildRecord({ peerPrincipal: 'spiffe://cluster.local/ns/shop/sa/reviews' }))
  const { service: _, ...dynamic } = reviewsCluster
  const outside = { ...dynamic, discovery: { type: 'dynamic' } } as const
  ledger.observe(buildRecord({ cluster: outside, authority: 'api.example:443', peer: undefined, path: '/v1' }))
  assert.deepEqual(briefly(ledger.report()), [
    '1 spiffe://cluster.local/ns/shop/sa/reviews > reviews.shop.svc.cluster.local:80:80 GET /reviews/{id} mutual_tls allowed ',
    '1  > api.example:443:0 GET /v1 plaintext allowed ',
  ])
})

test('a call that found no endpoint is no edge', () => {
  const ledger = newLedger()
  ledger.observe(buildRecord({ endpoint: undefined, attempts: 0, code: 'no_healthy_upstream', status: 503 }))
  assert.equal(ledger.size, 0)
})

test('guesses at paths that are not there make one edge', () => {
  const ledger = newLedger()
  for (let i = 0; i < 500; i++) ledger.observe(inbound({ path: `/guess-${'abcdefgh'[i % 8]}${i}/x`, status: 404 }))
  ledger.observe(inbound({ path: '/known' }))
  ledger.observe(inbound({ path: '/known', status: 404 }))
  assert.deepEqual(briefly(ledger.report()), [
    '500 web/storefront > :8080 GET {missing} plaintext allowed ',
    '2 web/storefront > :8080 GET /known plaintext allowed ',
  ])
})

test('edges, paths and callers without end keep to the bound, and what found no room is told', () => {
  const ledger = newLedger({ edgesMax: 50 })
  for (let i = 0; i < 5000; i++) {
    const word = [...i.toString(26)].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 26))).join('')
    ledger.observe(inbound({ path: `/${word}`, peer: { ...storefront, workload: `w${i % 997}` } }))
  }
  assert.equal(ledger.size, 50)
  const { edges, uncounted } = ledger.report()
  assert.equal(edges.reduce((sum, { count }) => sum + count, 0) + uncounted, 5000)
  assert.ok(uncounted > 0)
})

test('an edge that nobody used for long makes room', () => {
  let nowMs = 0
  const ledger = newLedger({ nowMs: () => nowMs, edgesMax: 1, idleMs: 1000 })
  ledger.observe(inbound({ path: '/a', wallMs: 0 }))
  ledger.observe(inbound({ path: '/b', wallMs: 10 }))
  assert.equal(ledger.uncounted, 1)
  nowMs = 1001
  ledger.sweep()
  ledger.observe(inbound({ path: '/b', wallMs: 1001 }))
  assert.deepEqual(briefly(ledger.report()), ['1 web/storefront > :8080 GET /b plaintext allowed '])
})

test('streams are edges without method and path, and refused ones decisions', () => {
  const { endpoint, wallMs } = buildRecord()
  const stream: StreamRecord = {
    direction: 'inbound',
    startMs: 0,
    wallMs,
    listener: 'inbound:5432',
    remoteAddress: '10.0.0.3',
    transport: 'tcp',
    serverName: '',
    routeName: '',
    cluster: undefined,
    endpoint,
    peer: undefined,
    peerPrincipal: '',
    originalPort: 0,
    deniedBy: '',
    auditedBy: '',
    receivedBytes: 10,
    sentBytes: 3000,
    code: '',
    detail: '',
    flags: '-',
    attempts: 1,
    durationMs: 12.6,
  }
  const ledger = newLedger()
  ledger.observeStream(stream)
  ledger.observeStream(stream)
  ledger.observeStream({ ...stream, deniedBy: 'AccessPolicy/shop/db rule 0' })
  const report = ledger.report()
  assert.deepEqual(briefly(report), [
    '2 10.0.0.3/32 > :5432   plaintext allowed ',
    '1 10.0.0.3/32 > :5432   plaintext denied AccessPolicy/shop/db rule 0',
  ])
  assert.equal(report.decisions.length, 1)
  assert.equal(report.decisions[0]!.protocol, 'tcp')
})

test('a refusal is the decision of who refuses, not of the caller that hears of it', () => {
  const ledger = newLedger()
  ledger.observe(buildRecord({ code: 'no_rule_allows', status: 403 }))
  assert.equal(ledger.report().decisions.length, 0)
  assert.equal(ledger.report().edges[0]!.verdict, 'denied')
  ledger.observe(inbound({ code: 'no_rule_allows', status: 403 }))
  assert.deepEqual(
    ledger.report().decisions.map(({ verdict, code }) => [verdict, code]),
    [['denied', 'no_rule_allows']],
  )
})

test('the last decisions are kept, counted through, without the query', () => {
  const ledger = newLedger({ decisionsMax: 3 })
  for (let i = 1; i <= 5; i++)
    ledger.observe(inbound({ path: `/secret?token=${i}`, deniedBy: 'AccessPolicy/shop/closed rule 0', peer: reviews }))
  const { decisions } = ledger.report()
  assert.deepEqual(
    decisions.map(({ sequence, path, verdict, caller }) => [sequence, path, verdict, caller]),
    [3, 4, 5].map((sequence) => [sequence, '/secret', 'denied', 'shop/reviews-v2']),
  )
})
