/** A cluster as a TrafficPolicy wants it called. Defaults are Envoy's, so that both kinds of proxies do the same. */
import { durationMs } from '#/api/duration.ts'
import type { TrafficSpec } from '#/api/traffic-policy.ts'
import type { BreakerLimits, OutlierDetection } from '#/model/breaking.ts'
import type { Cluster, LoadBalancing } from '#/model/cluster.ts'

const balancings: Readonly<Record<NonNullable<TrafficSpec['loadBalancing']>['type'], LoadBalancing>> = {
  RoundRobin: 'round-robin',
  LeastRequest: 'least-request',
  Random: 'random',
  PeakEWMA: 'peak-ewma',
  RingHash: 'ring-hash',
  Maglev: 'maglev',
}

export function tuned(cluster: Cluster, said: TrafficSpec): Cluster {
  const { loadBalancing, circuitBreakers, outlierDetection, panicThreshold } = said
  return {
    ...cluster,
    ...(loadBalancing ? { loadBalancing: balancings[loadBalancing.type] } : {}),
    ...(circuitBreakers ? { breakers: breakersOf(circuitBreakers) } : {}),
    ...(outlierDetection ? { outliers: outliersOf(outlierDetection) } : {}),
    ...(panicThreshold === undefined ? {} : { panicPercent: panicThreshold }),
  }
}

function breakersOf(said: NonNullable<TrafficSpec['circuitBreakers']>): BreakerLimits {
  const { connections, pendingRequests, requests, retries, retryBudget } = said
  return {
    ...(connections === undefined ? {} : { connectionsMax: connections }),
    ...(pendingRequests === undefined ? {} : { pendingMax: pendingRequests }),
    ...(requests === undefined ? {} : { requestsMax: requests }),
    ...(retries === undefined ? {} : { retriesMax: retries }),
    ...(retryBudget
      ? { retryBudget: { percent: retryBudget.percent ?? 20, attemptsMin: retryBudget.minConcurrency ?? 3 } }
      : {}),
  }
}

function outliersOf(said: NonNullable<TrafficSpec['outlierDetection']>): OutlierDetection {
  const { successRate, failureShare } = said
  const ejectionMs = durationMs(said.baseEjectionTime ?? '30s')
  return {
    intervalMs: durationMs(said.interval ?? '10s'),
    ejectionMs,
    ejectionMsMax: Math.max(ejectionMs, durationMs(said.maxEjectionTime ?? '300s')),
    ejectedPercentMax: said.maxEjectionPercent ?? 10,
    // A tenth of the two or three replicas that most Services have is none.
    ejectsOneAlways: said.maxEjectionPercent !== 0,
    consecutiveFailures: said.consecutiveFailures ?? 5,
    consecutiveGatewayFailures: said.consecutiveGatewayFailures ?? 0,
    consecutiveLocalFailures: said.consecutiveLocalFailures ?? 0,
    ...(successRate ? { successRate: successRateOf(successRate) } : {}),
    ...(failureShare ? { failureShare: failureShareOf(failureShare) } : {}),
  }
}

function successRateOf({
  deviations = 1.9,
  minEndpoints = 5,
  minRequests = 100,
}: NonNullable<NonNullable<TrafficSpec['outlierDetection']>['successRate']>): OutlierDetection['successRate'] {
  // Envoy carries thousandths.
  return { deviations: Math.round(deviations * 1000) / 1000, endpointsMin: minEndpoints, requestsMin: minRequests }
}

function failureShareOf({
  percent,
  minEndpoints = 5,
  minRequests = 50,
}: NonNullable<NonNullable<TrafficSpec['outlierDetection']>['failureShare']>): OutlierDetection['failureShare'] {
  return { percent, endpointsMin: minEndpoints, requestsMin: minRequests }
}
