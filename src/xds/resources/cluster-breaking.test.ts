/** How a control plane of others says limits and ejections: Envoy's defaults, and what this proxy does not do. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { Cluster_DiscoveryType, ClusterSchema } from '#/xds/proto/envoy/config/cluster/v3/cluster_pb.ts'
import { RoutingPriority } from '#/xds/proto/envoy/config/core/v3/base_pb.ts'
import { decoders } from './decode/decoders.ts'
import type { InitOf } from './encode/any.ts'

function decode(part: InitOf<typeof ClusterSchema>) {
  const message = create(ClusterSchema, {
    name: 'c',
    clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.EDS },
    edsClusterConfig: { edsConfig: { configSourceSpecifier: { case: 'ads', value: {} } } },
    ...part,
  })
  return decoders.cluster(toBinary(ClusterSchema, message))
}

function decoded(part: InitOf<typeof ClusterSchema>) {
  const outcome = decode(part)
  assert.ok(outcome.ok, JSON.stringify(outcome))
  return outcome.value
}

test('an empty outlier_detection is what Envoy takes it for', () => {
  assert.deepEqual(decoded({ outlierDetection: {} }).outliers, {
    intervalMs: 10_000,
    ejectionMs: 30_000,
    ejectionMsMax: 300_000,
    ejectedPercentMax: 10,
    ejectsOneAlways: false,
    consecutiveFailures: 5,
    consecutiveGatewayFailures: 0,
    consecutiveLocalFailures: 0,
    successRate: { deviations: 1.9, endpointsMin: 5, requestsMin: 100 },
  })
})

test('limits are those of the default priority, the first that is given', () => {
  const thresholds = [
    { priority: RoutingPriority.HIGH, maxRequests: 1 },
    { maxRequests: 2, trackRemaining: true },
    { maxRequests: 3 },
  ]
  assert.deepEqual(decoded({ circuitBreakers: { thresholds } }).breakers, { requestsMax: 2 })
  assert.equal(decoded({ circuitBreakers: { thresholds: [{ priority: RoutingPriority.HIGH }] } }).breakers, undefined)
})

test('a retry budget has the percentage and the least of Envoy where it says none', () => {
  const thresholds = [{ retryBudget: {} }, { maxRequests: 3 }]
  assert.deepEqual(decoded({ circuitBreakers: { thresholds } }).breakers, {
    retryBudget: { percent: 20, attemptsMin: 3 },
  })
})

for (const [what, part, field] of [
  [
    'an ejection by chance',
    { outlierDetection: { enforcingConsecutive5xx: 50 } },
    'outlier_detection.enforcing_consecutive_5xx',
  ],
  ['no interval', { outlierDetection: { interval: {} } }, 'outlier_detection.interval'],
  [
    'ejection times that jitter',
    { outlierDetection: { maxEjectionTimeJitter: { seconds: 1n } } },
    'outlier_detection.max_ejection_time_jitter',
  ],
  [
    'limits by endpoint',
    { circuitBreakers: { perHostThresholds: [{ maxConnections: 1 }] } },
    'circuit_breakers.per_host_thresholds',
  ],
  [
    'a retry budget of more than all',
    { circuitBreakers: { thresholds: [{ retryBudget: { budgetPercent: { value: 101 } } }] } },
    'circuit_breakers.thresholds[0].retry_budget.budget_percent',
  ],
] as const) {
  test(`${what} is refused by name`, () => {
    const outcome = decode(part as InitOf<typeof ClusterSchema>)
    assert.ok(!outcome.ok && outcome.faults.some((fault) => fault.startsWith(field)), JSON.stringify(outcome))
  })
}
