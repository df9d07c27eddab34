import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { MutualTlsMode } from '#/model/mutual-tls.ts'
import type { LedgerSource, MeshEdge, MeshTraffic } from '#/model/traffic.ts'
import type { Workload, WorkloadPort } from '#/model/workload.ts'
import { strictReadiness } from './strict-readiness.ts'
import { buildMeshEdge, buildPlainEdge } from './testing/edge-builder.ts'

const place = { host: '127.0.0.1', port: 1 }

function pod(name: string, mutualTls: MutualTlsMode | undefined = 'permissive', port: Partial<WorkloadPort> = {}) {
  const ports = [
    { port: 8080, name: 'http', application: place, inbound: place, ...(mutualTls ? { mutualTls } : {}), ...port },
  ]
  const workload = name.replace(/-\d+$/, '')
  return { namespace: 'shop', workload, pod: name, ports, hasIdentity: true } satisfies Partial<Workload>
}

const source = (pod: string, given: Partial<LedgerSource> = {}): LedgerSource => ({
  node: `${pod}.shop`,
  workload: 'shop/x',
  state: 'told',
  toldMs: 1,
  detail: '',
  ...given,
})

const traffic = (edges: MeshEdge[], sources: LedgerSource[]): MeshTraffic => ({
  fromMs: 0,
  nowMs: 10_000,
  sinceMs: 0,
  sources,
  edges,
})

const at = (workload: string, given: Partial<MeshEdge> = {}): MeshEdge =>
  buildMeshEdge({ workload: `shop/${workload}`, ...given })
const plainAt = (workload: string, given: Partial<MeshEdge> = {}): MeshEdge =>
  at(workload, { ...buildPlainEdge(), ...given })

test('a port is safe when all that was seen came by mutual TLS, and not yet when anything did not', () => {
  const report = strictReadiness(
    [pod('a-0'), pod('b-0'), pod('c-0')],
    traffic(
      [
        at('a', { count: 7 }),
        at('b'),
        plainAt('b', { count: 3, caller: 'batch/nightly' }),
        plainAt('b', { security: 'tls' }),
      ],
      [source('a-0'), source('b-0'), source('c-0')],
    ),
  )
  assert.deepEqual(
    report.map(({ workload, verdict, why }) => [workload, verdict, why]),
    [
      ['a', 'safe', 'all 7 calls came by mutual TLS'],
      ['b', 'plaintext', 'would be turned away: batch/nightly (10.0.0.9), 10.0.0.9'],
      ['c', 'quiet', 'nobody has called it in this time'],
    ],
  )
  assert.deepEqual(
    report[1]!.callers.map(({ who, security, count }) => [who, security, count]),
    [
      ['batch/nightly (10.0.0.9)', 'plaintext', 3],
      ['10.0.0.9', 'tls', 1],
    ],
  )
})

test('what could not be asked makes nothing safe, but plaintext that was seen stays a reason', () => {
  const report = strictReadiness(
    [pod('a-0'), pod('a-1'), pod('b-0')],
    traffic([at('a'), plainAt('b')], [source('a-0'), source('b-0', { state: 'unreachable', detail: 'refused' })]),
  )
  assert.deepEqual(
    report.map(({ verdict, why }) => [verdict, why]),
    [
      ['unseen', '1 of 2 sidecars could not be asked: not known yet'],
      ['plaintext', 'would be turned away: 10.0.0.9'],
    ],
  )
})

test('calls out and callers that were turned away lock nobody out', () => {
  const report = strictReadiness(
    [pod('a-0'), pod('b-0', 'strict')],
    traffic(
      [
        at('a'),
        plainAt('a', { direction: 'outbound', destination: 'x:80' }),
        plainAt('a', { verdict: 'denied' }),
        plainAt('b', { verdict: 'denied', count: 4 }),
      ],
      [source('a-0'), source('b-0')],
    ),
  )
  assert.deepEqual(
    report.map(({ verdict, why }) => [verdict, why]),
    [
      ['safe', 'its one call came by mutual TLS'],
      ['strict', 'turned away: 10.0.0.9'],
    ],
  )
})

test('ports without identity, disabled ones and datagrams are told apart', () => {
  const none = pod('a-0', 'permissive')
  const { mutualTls: _, ...bare } = none.ports[0]! as WorkloadPort
  const report = strictReadiness(
    [{ ...none, ports: [bare] }, pod('b-0', 'disabled'), pod('c-0', undefined, { transport: 'udp' })],
    traffic([], [source('a-0'), source('b-0'), source('c-0')]),
  )
  assert.deepEqual(
    report.map(({ workload, mode, verdict }) => [workload, mode, verdict]),
    [
      ['a', 'none', 'unable'],
      ['b', 'disabled', 'disabled'],
    ],
  )
})

test('many callers are told by the first three', () => {
  const edges = [1, 2, 3, 4, 5].map((i) => plainAt('a', { addressBlock: `10.0.0.${i}/32`, count: 10 - i }))
  const [port] = strictReadiness([pod('a-0')], traffic(edges, [source('a-0')]))
  assert.equal(port!.why, 'would be turned away: 10.0.0.1, 10.0.0.2, 10.0.0.3 and 2 more')
})
