import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildEdge, buildPlainEdge, buildReport } from './testing/edge-builder.ts'
import { TrafficBook, trafficBookDefaults } from './traffic-book.ts'

const owner = { node: 'reviews-1.shop', workload: 'shop/reviews-v1', serviceAccount: 'reviews' }
const nobody = (): undefined => undefined
const counts = (book: TrafficBook): number[] => book.edges(0, 100_000 * 3_600_000).map(({ count }) => count)

test('what a sidecar tells again and again is counted once', () => {
  const book = new TrafficBook()
  for (const count of [3, 3, 10]) book.absorb(owner, buildReport({ edges: [buildEdge({ count })] }), nobody)
  assert.deepEqual(counts(book), [10])
})

test('replicas are added up, and a restarted sidecar begins at nothing', () => {
  const book = new TrafficBook()
  book.absorb(owner, buildReport({ edges: [buildEdge({ count: 5 })] }), nobody)
  book.absorb({ ...owner, node: 'reviews-2.shop' }, buildReport({ edges: [buildEdge({ count: 7 })] }), nobody)
  assert.deepEqual(counts(book), [12])
  book.absorb(owner, buildReport({ sinceMs: 900, edges: [buildEdge({ count: 5 })] }), nobody)
  assert.deepEqual(counts(book), [17])
})

test('an edge that a sidecar forgot and opened again counts on', () => {
  const book = new TrafficBook()
  book.absorb(owner, buildReport({ edges: [buildEdge({ count: 5, firstMs: 1000 })] }), nobody)
  book.absorb(owner, buildReport({ edges: [] }), nobody)
  book.absorb(owner, buildReport({ edges: [buildEdge({ count: 6, firstMs: 9000, lastMs: 9500 })] }), nobody)
  assert.deepEqual(counts(book), [11])
})

test('the edge that was silent for longest makes room', () => {
  const book = new TrafficBook({ ...trafficBookDefaults, edgesMax: 20 })
  const edges = Array.from({ length: 30 }, (_, i) => buildEdge({ path: `/${i}`, lastMs: 2000 + i }))
  book.absorb(owner, buildReport({ edges }), nobody)
  assert.equal(book.size, 20)
  const paths = book.edges(0, 3000).map(({ path }) => path)
  assert.ok(!paths.includes('/0') && paths.includes('/29'))
})

test('only what was used since is told, and what was silent for too long forgotten', () => {
  const book = new TrafficBook({ ...trafficBookDefaults, keptMs: 10_000 })
  book.absorb(
    owner,
    buildReport({ edges: [buildEdge({ lastMs: 2000 }), buildEdge({ method: 'POST', lastMs: 9000 })] }),
    nobody,
  )
  assert.deepEqual(
    book.edges(5000, 10_000).map(({ method }) => method),
    ['POST'],
  )
  book.sweep(13_000)
  assert.equal(book.size, 1)
})

test('a caller without a name is called by that of whoever alone has its address', () => {
  const book = new TrafficBook()
  const edges = [
    buildPlainEdge(),
    buildPlainEdge({ addressBlock: '10.0.0.0/24' }),
    buildPlainEdge({ addressBlock: '10.0.0.8/32' }),
  ]
  book.absorb(owner, buildReport({ edges }), (address) => (address === '10.0.0.9' ? 'batch/nightly' : undefined))
  assert.deepEqual(
    book.edges(0, 3000).map(({ caller, addressBlock }) => `${caller} ${addressBlock}`),
    ['batch/nightly 10.0.0.9/32', ' 10.0.0.0/24', ' 10.0.0.8/32'],
  )
})

test('what an earlier run had counted is not counted again after a restart', () => {
  const before = new TrafficBook()
  before.absorb(owner, buildReport({ edges: [buildEdge({ count: 100 })] }), nobody)
  const book = new TrafficBook()
  book.restore(before.keep(3000), 3000)
  const old = buildEdge({ count: 100, lastMs: 2000 })
  const onward = buildEdge({ method: 'POST', count: 40, lastMs: 3500 })
  book.absorb(owner, buildReport({ nowMs: 4000, edges: [old, onward] }), nobody)
  assert.deepEqual(counts(book), [100, 1])
  book.absorb(owner, buildReport({ nowMs: 5000, edges: [{ ...old, count: 103, lastMs: 4500 }, onward] }), nobody)
  assert.deepEqual(counts(book), [103, 1])
  const young = buildReport({ sinceMs: 3500, nowMs: 5000, edges: [buildEdge({ count: 9 })] })
  book.absorb({ ...owner, node: 'reviews-2.shop' }, young, nobody)
  assert.deepEqual(counts(book), [112, 1])
})
