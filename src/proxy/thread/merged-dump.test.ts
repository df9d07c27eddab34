import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointDump, ProxyDump } from '#/proxy/proxy-dump.ts'
import { mergeDumps } from './merged-dump.ts'

const endpoint: EndpointDump = {
  cluster: 'c',
  address: '127.0.0.1:1',
  health: 'healthy',
  weight: 1,
  isMeshed: false,
  workload: '',
  active: 1,
  requests: 2,
  failures: 3,
  connections: 4,
  waiting: 5,
}

function dumpWith(parts: Partial<ProxyDump>): ProxyDump {
  return { listeners: [], destinations: [], routes: [], clusters: [], endpoints: [], ...parts }
}

const listener: ProxyDump['listeners'][number] = {
  name: 'l',
  address: '127.0.0.1:1',
  isBound: true,
  fault: '',
  connections: 1,
  direction: 'inbound',
  target: { type: 'on-demand' },
  isRedirected: false,
  isLazy: false,
}

test('counts of one endpoint are added up, endpoints that only one loop knows are there too', () => {
  const other = { ...endpoint, address: '127.0.0.1:2' }
  const { endpoints } = mergeDumps([dumpWith({ endpoints: [endpoint] }), dumpWith({ endpoints: [endpoint, other] })])
  assert.deepEqual(endpoints, [
    { ...endpoint, active: 2, requests: 4, failures: 6, connections: 8, waiting: 10 },
    other,
  ])
})

test('a listener is bound when every loop has bound it, and the fault of any is told', () => {
  const broken = { ...listener, isBound: false, fault: 'EACCES', connections: 0 }
  const [merged] = mergeDumps([dumpWith({ listeners: [listener] }), dumpWith({ listeners: [broken] })]).listeners
  assert.deepEqual(merged, { ...listener, isBound: false, fault: 'EACCES', connections: 1 })
})

test('a destination is ready when a loop that was called has it ready', () => {
  const waiting = { name: 'd', state: 'waiting' as const, routes: '', trouble: '' }
  const ready = { name: 'd', state: 'ready' as const, routes: 'r', trouble: '' }
  for (const order of [
    [waiting, ready],
    [ready, waiting],
  ])
    assert.deepEqual(mergeDumps(order.map((one) => dumpWith({ destinations: [one] }))).destinations, [ready])
})
