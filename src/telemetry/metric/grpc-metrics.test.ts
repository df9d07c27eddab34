import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildRecord } from '../testing/record-builder.ts'
import { expose } from './exposition.ts'
import { GrpcMetrics } from './grpc-metrics.ts'
import { Registry } from './registry.ts'

function setUp(seriesMax = 100) {
  const registry = new Registry()
  const metrics = new GrpcMetrics(registry, seriesMax)
  const lines = (): string[] =>
    [...expose(registry.families)]
      .join('')
      .split('\n')
      .filter((line) => line.startsWith('weft_proxy_grpc'))
  return { metrics, lines }
}

test('calls are counted by method, status and side', () => {
  const { metrics, lines } = setUp()
  const call = { path: '/shop.Reviews/List', grpcStatus: 0, durationMs: 5 }
  metrics.observe(buildRecord({ ...call, direction: 'inbound' }))
  metrics.observe(buildRecord({ ...call, direction: 'inbound' }))
  metrics.observe(buildRecord({ ...call, direction: 'inbound', grpcStatus: 14 }))
  metrics.observe(buildRecord({ ...call, direction: 'outbound' }))
  const labels = 'grpc_service="shop.Reviews",grpc_method="List"'
  for (const line of [
    `weft_proxy_grpc_requests_total{reporter="destination",${labels},grpc_response_status="0"} 2`,
    `weft_proxy_grpc_requests_total{reporter="destination",${labels},grpc_response_status="14"} 1`,
    `weft_proxy_grpc_requests_total{reporter="source",${labels},grpc_response_status="0"} 1`,
    `weft_proxy_grpc_request_milliseconds_total{reporter="destination",${labels}} 15`,
  ])
    assert.ok(lines().includes(line), `${line}\nis not in\n${lines().join('\n')}`)
})

test('methods that a client makes up are bounded, and counted together', () => {
  const { metrics, lines } = setUp(10)
  for (let i = 0; i < 1000; i++)
    metrics.observe(buildRecord({ path: `/a.B/m${i}`, grpcStatus: 12, direction: 'inbound' }))
  assert.ok(lines().length <= 2 * 11, `${lines().length} series`)
  assert.ok(lines().some((line) => line.includes('grpc_method="overflow"') && line.endsWith(' 990')))
})

test('what was not used for long is forgotten', () => {
  const { metrics, lines } = setUp()
  metrics.observe(buildRecord({ path: '/a.B/m', grpcStatus: 0, startMs: 1000, durationMs: 5 }))
  metrics.sweep(1001)
  assert.equal(lines().length, 2)
  metrics.sweep(5000)
  assert.deepEqual(lines(), [])
  metrics.observe(buildRecord({ path: '/a.B/m', grpcStatus: 0, startMs: 6000, durationMs: 5 }))
  assert.equal(lines().length, 2)
})
