import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WeightedBackend } from '#/model/route.ts'
import { seededRandom } from '#/std/random.ts'
import { chiSquaredFits } from '../balance/testing/chi-squared.ts'
import { CompiledRoute } from './compiled-route.ts'
import { requestHead } from './testing/request-head.ts'
import { buildRoute } from './testing/route-builder.ts'

const routeTo = (backends: readonly WeightedBackend[]) =>
  new CompiledRoute(buildRoute('r', {}, { action: { type: 'forward', backends, timeoutMs: 0, mirrors: [] } }))

const cluster = (name: string, weight: number): WeightedBackend => ({ type: 'cluster', cluster: name, weight })

test('backends get their share, and weight 0 gets nothing (seed 3)', () => {
  const weights = [90, 0, 9, 1]
  const route = routeTo(weights.map((weight, i) => cluster(`c${i}`, weight)))
  const random = seededRandom(3)
  const counts = [0, 0, 0, 0]
  for (let i = 0; i < 100_000; i++) counts[Number(route.pickBackend(random).cluster.slice(1))]!++
  assert.equal(counts[1], 0)
  assert.ok(chiSquaredFits(counts, weights), String(counts))
})

test('the ends of the range pick the first and the last that have weight', () => {
  const route = routeTo([cluster('zero', 0), cluster('a', 1), cluster('b', 1), cluster('last', 0)])
  assert.equal(route.pickBackend(() => 0).cluster, 'a')
  assert.equal(route.pickBackend(() => 0.4999999).cluster, 'a')
  assert.equal(route.pickBackend(() => 0.5).cluster, 'b')
  assert.equal(route.pickBackend(() => 1 - Number.EPSILON).cluster, 'b')
})

test('an invalid backend keeps its share and says why', () => {
  const route = routeTo([cluster('a', 1), { type: 'invalid', weight: 1, reason: 'Service shop/gone not found' }])
  const backend = route.pickBackend(() => 0.9)
  assert.equal(backend.cluster, '')
  assert.equal(backend.invalidReason, 'Service shop/gone not found')
})

test('weights that are all 0 make an invalid backend', () => {
  for (const route of [routeTo([cluster('a', 0)]), routeTo([cluster('a', 0), cluster('b', 0)])]) {
    assert.match(route.pickBackend(() => 0.5).invalidReason, /weight 0/)
  }
})

test('header changes of rule and backend are compiled apart, and absent when empty', () => {
  const requestHeaders = { set: [{ name: 'a', value: '1' }], add: [], remove: [] }
  const route = new CompiledRoute(
    buildRoute(
      'r',
      {},
      {
        requestHeaders,
        action: {
          type: 'forward',
          backends: [{ type: 'cluster', cluster: 'c', weight: 1, responseHeaders: requestHeaders }],
          timeoutMs: 0,
          mirrors: [],
        },
      },
    ),
  )
  assert.deepEqual(route.requestHeaders?.set, ['a', '1'])
  assert.equal(route.responseHeaders, undefined)
  const backend = route.pickBackend(() => 0)
  assert.equal(backend.requestHeaders, undefined)
  assert.deepEqual(backend.responseHeaders?.set, ['a', '1'])
})

test('a route for gRPC takes POST with a content type of gRPC, and nothing else', () => {
  const route = new CompiledRoute(buildRoute('r', { isGrpc: true }))
  const matches = (method: string, type: string): boolean => {
    const head = requestHead({ method, headers: ['content-type', type] })
    return route.matches(head, head.path)
  }
  assert.ok(matches('POST', 'application/grpc'))
  assert.ok(matches('POST', 'application/grpc+proto'))
  assert.ok(matches('POST', 'application/grpc; charset=utf-8'))
  assert.equal(matches('GET', 'application/grpc'), false)
  assert.equal(matches('POST', 'application/grpc-web'), false)
  assert.equal(matches('POST', 'application/json'), false)
})
