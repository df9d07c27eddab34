import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expose } from './exposition.ts'
import { MergedRegistry } from './merged-registry.ts'
import type { MeterFamily } from './meter.ts'
import { takeSnapshot } from './metric-snapshot.ts'
import { Registry } from './registry.ts'
import { RequestSeries } from './request-series.ts'

interface Loop {
  registry: Registry
  requests: MeterFamily
  open: MeterFamily
}

function newLoop(lagSeconds = 0): Loop {
  const registry = new Registry()
  const requests = registry.meters({ name: 'requests_total', help: 'R.', type: 'counter', labelNames: ['to'] })
  const open = registry.meters({ name: 'open', help: 'O.', type: 'gauge', labelNames: ['to'] })
  registry.gauge('nodejs_eventloop_lag_seconds', 'L.', () => lagSeconds)
  registry.gauge('process_resident_memory_bytes', 'M.', () => 7)
  return { registry, requests, open }
}

const clock = { ms: 0 }

function newMerged(loops: number, own = new Registry()): MergedRegistry {
  clock.ms = 0
  return new MergedRegistry({ own, loops, nowMs: () => clock.ms, idleMs: 1000, seriesMax: 3 })
}

/** As what crosses between threads. */
const snapshotOf = ({ registry }: Loop) => structuredClone(takeSnapshot(registry.families))

function valuesOf(merged: MergedRegistry): Record<string, number> {
  const lines = [...expose(merged.families)].join('').split('\n')
  const samples = lines.filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(
    samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
  )
}

test('adds up what the loops count, takes the worst delay, and leaves the process to the main thread', () => {
  const own = new Registry()
  own.gauge('process_resident_memory_bytes', 'M.', () => 100)
  const merged = newMerged(2, own)
  const [a, b] = [newLoop(0.2), newLoop(0.1)]
  a.requests.with('x').add(3)
  b.requests.with('x').add(4)
  b.requests.with('y').add(1)
  a.open.with('x').add(1)
  b.open.with('x').add(2)
  merged.offer(0, snapshotOf(a))
  merged.offer(1, snapshotOf(b))
  assert.deepEqual(valuesOf(merged), {
    process_resident_memory_bytes: 100,
    'requests_total{to="x"}': 7,
    'requests_total{to="y"}': 1,
    'open{to="x"}': 3,
    nodejs_eventloop_lag_seconds: 0.2,
  })
})

test('a counter does not go back when a loop dies, a gauge does', () => {
  const merged = newMerged(2)
  const [a, b] = [newLoop(), newLoop()]
  a.requests.with('x').add(3)
  a.open.with('x').add(3)
  b.requests.with('x').add(4)
  b.open.with('x').add(4)
  merged.offer(0, snapshotOf(a))
  merged.offer(1, snapshotOf(b))
  merged.lose(0)
  assert.equal(valuesOf(merged)['requests_total{to="x"}'], 7)
  assert.equal(valuesOf(merged)['open{to="x"}'], 4)
  const reborn = newLoop()
  reborn.requests.with('x').add(2)
  merged.offer(0, snapshotOf(reborn))
  assert.equal(valuesOf(merged)['requests_total{to="x"}'], 9)
})

test('a counter does not go back when one loop forgets a series and begins it anew', () => {
  const merged = newMerged(2)
  const [a, b] = [newLoop(), newLoop()]
  a.requests.with('x').add(3)
  b.requests.with('x').add(4)
  merged.offer(0, snapshotOf(a))
  merged.offer(1, snapshotOf(b))
  a.requests.forget(() => true)
  merged.offer(0, snapshotOf(a))
  assert.equal(valuesOf(merged)['requests_total{to="x"}'], 7)
  a.requests.with('x').add(1)
  merged.offer(0, snapshotOf(a))
  assert.equal(valuesOf(merged)['requests_total{to="x"}'], 8)
})

test('what nobody counts on is forgotten, and what is kept has a bound', () => {
  const merged = newMerged(1)
  const loop = newLoop()
  for (const name of ['a', 'b', 'c', 'd']) loop.requests.with(name).add(1)
  merged.offer(0, snapshotOf(loop))
  merged.lose(0)
  const reborn = newLoop()
  reborn.requests.with('a').add(1)
  merged.offer(0, snapshotOf(reborn))
  const counted = (): string[] => Object.keys(valuesOf(merged)).filter((name) => name.startsWith('requests_total'))
  assert.equal(counted().length, 3)
  assert.equal(valuesOf(merged)['requests_total{to="a"}'], 2)
  clock.ms = 1001
  assert.deepEqual(counted(), ['requests_total{to="a"}'])
  // It was in use all the time.
  assert.equal(valuesOf(merged)['requests_total{to="a"}'], 2)
})

test('histograms are added up bucket by bucket', () => {
  const merged = newMerged(2)
  const record = { startMs: 0, durationMs: 3, requestBytes: 0, responseBytes: 0 }
  for (const loop of [0, 1]) {
    const series = new RequestSeries(['to', 'x'])
    series.observe(record as Parameters<RequestSeries['observe']>[0])
    const family = { name: 'ms', help: 'T.', type: 'histogram' as const, samples: () => series.samples(0) }
    merged.offer(loop, structuredClone(takeSnapshot([family])))
  }
  const values = valuesOf(merged)
  assert.equal(values['ms_bucket{to="x",le="1"}'], 0)
  assert.equal(values['ms_bucket{to="x",le="5"}'], 2)
  assert.equal(values['ms_bucket{to="x",le="+Inf"}'], 2)
  assert.equal(values['ms_sum{to="x"}'], 6)
  assert.equal(values['ms_count{to="x"}'], 2)
})
