import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Mesh } from '#/model/mesh.ts'
import type { TrafficReport } from '#/model/traffic.ts'
import type { Workload } from '#/model/workload.ts'
import { ManualClock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { AuditLog } from '../audit/audit-log.ts'
import { type FetchOutcome, fetchReport } from './fetch-report.ts'
import { buildDecision, buildEdge, buildReport } from './testing/edge-builder.ts'
import { TrafficPlane, type TrafficPlaneOptions } from './traffic-plane.ts'

const folder = mkdtempSync(join(tmpdir(), 'weft-traffic-'))
after(() => rmSync(folder, { recursive: true }))
const log = new Log({ component: 'test', sink: { write: () => undefined } })
const startMs = Date.UTC(2026, 10, 23, 12)

const workload = { namespace: 'shop', workload: 'reviews-v1', serviceAccount: 'reviews', address: '127.0.0.1' }
const mesh = {
  workloads: new Map(['reviews-1.shop', 'reviews-2.shop'].map((node) => [node, workload as Workload])),
} as unknown as Mesh

function newPlane(
  outcomes: Record<string, FetchOutcome>,
  given: Partial<TrafficPlaneOptions> = {},
): { plane: TrafficPlane; audit: AuditLog; clock: ManualClock } {
  const clock = new ManualClock(startMs)
  const audit = given.audit ?? new AuditLog({ log })
  const plane = new TrafficPlane({
    mesh: () => mesh,
    admins: () => new Map(Object.keys(outcomes).map((node) => [node, node])),
    audit,
    clock,
    log,
    fetch: async (address) => outcomes[address]!,
    ...given,
  })
  return { plane, audit, clock }
}

const told = (given: Partial<TrafficReport>): FetchOutcome => ({ state: 'told', report: buildReport(given) })

test('asks every sidecar, adds up what they tell, and names those that could not be asked', async () => {
  const recent = [buildEdge({ count: 2, lastMs: startMs })]
  const { plane } = newPlane({
    'reviews-1.shop': told({ nowMs: startMs, edges: recent }),
    'reviews-2.shop': { state: 'unreachable', detail: 'refused' },
  })
  const { edges, sources, sinceMs } = await plane.traffic(startMs - 60_000)
  assert.deepEqual(
    edges.map(({ workload, count }) => [workload, count]),
    [['shop/reviews-v1', 2]],
  )
  assert.deepEqual(
    sources.map(({ node, state, toldMs, detail }) => [node, state, toldMs, detail]),
    [
      ['reviews-1.shop', 'told', startMs, ''],
      ['reviews-2.shop', 'unreachable', 0, 'refused'],
    ],
  )
  assert.equal(sinceMs, startMs)
})

test('each decision is in the audit log once, and how many were lost', async () => {
  const outcomes = { 'reviews-1.shop': told({ decisions: [1, 2].map((sequence) => buildDecision({ sequence })) }) }
  const { plane, audit } = newPlane(outcomes)
  await plane.traffic(0)
  await plane.traffic(0)
  outcomes['reviews-1.shop'] = told({ decisions: [5, 6].map((sequence) => buildDecision({ sequence })) })
  await plane.traffic(0)
  const entries = await audit.read({ fromMs: 0, max: 100 })
  assert.deepEqual(
    entries
      .map((entry) => (entry.type === 'decision' ? entry.sequence : entry.type === 'lost' ? -entry.count : 0))
      .sort(),
    [-2, 1, 2, 5, 6].sort(),
  )
})

test('a restart forgets neither traffic nor what was audited, and its file is for its owner alone', async () => {
  const records = join(folder, 'restart')
  const first = newPlane(
    { 'reviews-1.shop': told({ edges: [buildEdge({ count: 9, lastMs: startMs })], decisions: [buildDecision()] }) },
    { folder: records, audit: new AuditLog({ log, folder: records }) },
  )
  first.plane.start()
  await first.plane.traffic(0)
  first.plane.stop()
  await first.audit.flush()
  assert.equal(statSync(join(records, 'traffic.json')).mode & 0o777, 0o600)
  const second = newPlane(
    { 'reviews-1.shop': told({ edges: [buildEdge({ count: 9, lastMs: startMs })], decisions: [buildDecision()] }) },
    { folder: records, audit: new AuditLog({ log, folder: records }) },
  )
  const { edges } = await second.plane.traffic(0)
  assert.deepEqual(
    edges.map(({ count }) => count),
    [9],
  )
  assert.equal((await second.audit.read({ fromMs: 0, max: 100 })).length, 1)
})

test('a damaged file is put aside', () => {
  const records = join(folder, 'damaged')
  mkdirSync(records)
  writeFileSync(join(records, 'traffic.json'), '{"version":1')
  newPlane({}, { folder: records })
  assert.deepEqual(readdirSync(records), ['traffic.json.damaged'])
})

test('a sidecar that answers nonsense, too much, or nothing does no harm', async (t) => {
  const bodies: Record<string, [number, string]> = {
    nonsense: [200, '{"edges":1}'],
    none: [404, 'off'],
    broken: [500, ''],
    good: [200, JSON.stringify(buildReport())],
  }
  let wanted = ''
  const server = createServer((request, response) => {
    assert.equal(request.url, '/traffic')
    response.writeHead(bodies[wanted]![0]).end(bodies[wanted]![1])
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const states: string[] = []
  for (wanted of Object.keys(bodies)) states.push((await fetchReport(address)).state)
  assert.deepEqual(states, ['unreachable', 'off', 'unreachable', 'told'])
  server.close()
  server.closeAllConnections()
  for (const place of [address, 'no address', 'host:99999', ''])
    assert.equal((await fetchReport(place)).state, 'unreachable', place)
})
