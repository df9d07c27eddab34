import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Registry } from './registry.ts'
import { UnknownHostMetrics, unknownHostMetric } from './unknown-host-metrics.ts'

function counts(registry: Registry): Record<string, number> {
  const family = [...registry.families].find(({ name }) => name === unknownHostMetric)!
  return Object.fromEntries(
    [...family.samples()].map(({ labels, value }) => [labels.filter((_, i) => i % 2).join(' '), value]),
  )
}

test('calls to unknown hosts are counted by host, kind and outcome, and forgotten when they are over', () => {
  const registry = new Registry()
  const metrics = new UnknownHostMetrics(registry, 10)
  metrics.onCall('a.example:80', { kind: 'request', outcome: 'refused', nowMs: 1 })
  metrics.onCall('a.example:80', { kind: 'request', outcome: 'refused', nowMs: 5 })
  metrics.onCall('b.example:443', { kind: 'stream', outcome: 'passed', nowMs: 2 })
  assert.deepEqual(counts(registry), { 'a.example:80 request refused': 2, 'b.example:443 stream passed': 1 })
  metrics.sweep(3)
  assert.deepEqual(counts(registry), { 'a.example:80 request refused': 2 })
})

test('who invents hosts fills no memory: the rest are one, and no name is longer than DNS has it', () => {
  const registry = new Registry()
  const metrics = new UnknownHostMetrics(registry, 3)
  for (let i = 0; i < 1000; i++)
    metrics.onCall(`${'x'.repeat(70_000)}${i}`, { kind: 'request', outcome: 'refused', nowMs: 1 })
  for (let i = 0; i < 1000; i++) metrics.onCall(`h${i}.example:80`, { kind: 'request', outcome: 'passed', nowMs: 1 })
  const found = counts(registry)
  assert.equal(Object.keys(found).length, 4)
  assert.equal(found['overflow overflow overflow'], 998)
  assert.equal(found[`${'x'.repeat(260)} request refused`], 1000)
})
