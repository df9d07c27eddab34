import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RequestRecord } from '#/proxy/events.ts'
import { buildRecord, reviews, reviewsCluster, storefront } from '../testing/record-builder.ts'
import { expose } from './exposition.ts'
import { measureObserve } from './request-metrics.bench.ts'
import { RequestMetrics } from './request-metrics.ts'
import { bucketBounds } from './request-series.ts'

const create = (given: { seriesMax?: number; idleMs?: number; self?: typeof storefront } = {}) =>
  new RequestMetrics({ self: storefront, clusterId: 'Kubernetes', seriesMax: 100, idleMs: 3_600_000, ...given })

const lines = (metrics: RequestMetrics, start: string): string[] =>
  [...expose(metrics.families())]
    .join('')
    .split('\n')
    .filter((line) => line.startsWith(start))

const total = (metrics: RequestMetrics): number =>
  lines(metrics, 'istio_requests_total').reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)

test('an outbound request has the labels of Istio, seen from the source', () => {
  const metrics = create()
  metrics.observe(buildRecord())
  assert.deepEqual(lines(metrics, 'istio_requests_total'), [
    'istio_requests_total{reporter="source",' +
      'source_workload="storefront",source_canonical_service="storefront",source_canonical_revision="v1",' +
      'source_workload_namespace="web",source_principal="unknown",source_app="storefront",source_version="v1",' +
      'source_cluster="Kubernetes",' +
      'destination_workload="reviews-v2",destination_canonical_service="reviews",destination_canonical_revision="v2",' +
      'destination_workload_namespace="shop",destination_principal="unknown",destination_app="reviews",' +
      'destination_version="v2",destination_cluster="Kubernetes",' +
      'destination_service="reviews.shop.svc.cluster.local",destination_service_name="reviews",' +
      'destination_service_namespace="shop",request_protocol="http",response_code="200",response_flags="-",' +
      'connection_security_policy="unknown"} 1',
  ])
})

test('an inbound request from somebody unknown is seen from the destination', () => {
  const metrics = create({ self: reviews })
  metrics.observe(
    buildRecord({
      direction: 'inbound',
      peer: undefined,
      endpoint: undefined,
      cluster: undefined,
      status: 0,
      flags: 'DC',
    }),
  )
  const [line] = lines(metrics, 'istio_requests_total')
  for (const label of [
    'reporter="destination"',
    'source_workload="unknown"',
    'source_canonical_revision="unknown"',
    'source_cluster="unknown"',
    'destination_workload="reviews-v2"',
    'destination_service="unknown"',
    'destination_service_namespace="shop"',
    'response_code="0"',
    'response_flags="DC"',
    'connection_security_policy="none"',
  ]) {
    assert.ok(line!.includes(label), `${label} in ${line}`)
  }
})

test('only gRPC has grpc_response_status', () => {
  const metrics = create()
  metrics.observe(buildRecord({ grpcStatus: 14 }))
  metrics.observe(buildRecord())
  const [grpc, http] = lines(metrics, 'istio_requests_total')
  assert.match(grpc!, /request_protocol="grpc",response_code="200",grpc_response_status="14"/)
  assert.doesNotMatch(http!, /grpc/)
})

test('a histogram has the buckets of Istio, cumulative, with sum and count', () => {
  const metrics = create()
  for (const durationMs of [0.5, 0.6, 5, 5.1, 4_000_000]) metrics.observe(buildRecord({ durationMs }))
  const buckets = lines(metrics, 'istio_request_duration_milliseconds_bucket')
  assert.equal(buckets.length, bucketBounds.length + 1)
  const counts = Object.fromEntries(
    buckets.map((line) => [/le="([^"]+)"/.exec(line)![1]!, Number(line.split(' ').at(-1))]),
  )
  assert.deepEqual(
    [counts['0.5'], counts['1'], counts['5'], counts['10'], counts['3600000'], counts['+Inf']],
    [1, 2, 3, 4, 4, 5],
  )
  assert.match(lines(metrics, 'istio_request_duration_milliseconds_sum')[0]!, / 4000011.2$/)
  assert.match(lines(metrics, 'istio_request_duration_milliseconds_count')[0]!, / 5$/)
})

test('sizes have histograms of their own', () => {
  const metrics = create()
  metrics.observe(buildRecord({ requestBytes: 10, responseBytes: 2000 }))
  assert.match(lines(metrics, 'istio_request_bytes_sum')[0]!, / 10$/)
  assert.match(lines(metrics, 'istio_response_bytes_sum')[0]!, / 2000$/)
  assert.match(lines(metrics, 'istio_response_bytes_bucket').find((line) => line.includes('le="1000"'))!, / 0$/)
})

test('equal labels are one series, whatever the objects they come from', () => {
  const metrics = create()
  for (let i = 0; i < 1000; i++) {
    metrics.observe(buildRecord({ peer: { ...reviews, pod: `reviews-${i}` }, cluster: { ...reviewsCluster } }))
  }
  assert.equal(metrics.size, 1)
  assert.equal(total(metrics), 1000)
})

test('direction, status, flags and peer each make a series', () => {
  const metrics = create()
  const given: Partial<RequestRecord>[] = [
    {},
    { status: 503 },
    { status: 503, flags: 'UH' },
    { direction: 'inbound' },
    { peer: { ...reviews, workload: 'reviews-v3' } },
    { cluster: undefined },
    { grpcStatus: 0 },
  ]
  for (let round = 0; round < 3; round++) for (const each of given) metrics.observe(buildRecord(each))
  assert.equal(metrics.size, given.length)
  for (const line of lines(metrics, 'istio_requests_total')) assert.match(line, / 3$/)
})

test('the number of series is bounded, and no request is lost from the sums', () => {
  const metrics = create({ seriesMax: 10 })
  for (let i = 0; i < 500; i++) metrics.observe(buildRecord({ peer: { ...reviews, workload: `w${i % 50}` } }))
  assert.equal(metrics.size, 11)
  assert.equal(total(metrics), 500)
  assert.equal(metrics.overflowCount, 400)
  assert.equal(lines(metrics, 'istio_requests_total{reporter="source",destination_service="overflow"} 400').length, 1)
})

test('an idle series goes, a series in use stays as it is, and what comes back starts at zero', () => {
  const metrics = create({ idleMs: 1000 })
  const idle = { peer: { ...reviews, workload: 'idle' }, startMs: 0, durationMs: 10 }
  metrics.observe(buildRecord(idle))
  metrics.observe(buildRecord({ startMs: 0, durationMs: 10 }))
  metrics.observe(buildRecord({ startMs: 900, durationMs: 10 }))
  metrics.sweep(1010)
  assert.equal(metrics.size, 2)
  metrics.sweep(1011)
  assert.equal(metrics.size, 1)
  assert.match(lines(metrics, 'istio_requests_total')[0]!, /reviews-v2.* 2$/)
  metrics.observe(buildRecord({ ...idle, startMs: 1100 }))
  metrics.observe(buildRecord({ startMs: 1100 }))
  assert.match(lines(metrics, 'istio_requests_total')[0]!, /reviews-v2.* 3$/)
  assert.match(lines(metrics, 'istio_requests_total')[1]!, /"idle".* 1$/)
})

test('observing among a hundred peers stays far under the cost of making labels: below 1 µs', () => {
  const ns = measureObserve(100, 20_000)
  assert.ok(ns < 1000, `${ns} ns`)
})
