import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildRecord } from '../testing/record-builder.ts'
import { mergeTraffic } from './merge-traffic.ts'
import { TrafficLedger } from './traffic-ledger.ts'

test('loops that saw the same edge are added up, decisions stand by time', () => {
  const ledgers = [new TrafficLedger({ nowMs: () => 10 }), new TrafficLedger({ nowMs: () => 20 })]
  ledgers[0]!.observe(buildRecord({ wallMs: 100 }))
  ledgers[1]!.observe(buildRecord({ wallMs: 50 }))
  ledgers[1]!.observe(buildRecord({ wallMs: 300, method: 'POST', auditedBy: 'AccessPolicy/shop/watch rule 0' }))
  ledgers[0]!.observe(buildRecord({ wallMs: 200, deniedBy: 'AccessPolicy/shop/closed rule 0' }))
  const merged = mergeTraffic(ledgers.map((ledger) => ledger.report()))!
  assert.deepEqual(
    merged.edges.map(({ method, verdict, count, firstMs, lastMs }) => [method, verdict, count, firstMs, lastMs]),
    [
      ['GET', 'allowed', 2, 50, 100],
      ['GET', 'denied', 1, 200, 200],
      ['POST', 'audited', 1, 300, 300],
    ],
  )
  assert.deepEqual(
    merged.decisions.map(({ atMs }) => atMs),
    [200, 300],
  )
  assert.notEqual(merged.decisions[0]!.source, merged.decisions[1]!.source)
  assert.deepEqual([merged.sinceMs, merged.nowMs], [10, 20])
  assert.equal(mergeTraffic([]), undefined)
})
