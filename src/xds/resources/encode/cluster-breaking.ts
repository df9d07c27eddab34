/** Limits, ejections and panic → circuit_breakers, outlier_detection and healthy_panic_threshold. */
import type { BreakerLimits, OutlierDetection } from '#/model/breaking.ts'
import type { Cluster } from '#/model/cluster.ts'
import type { ClusterSchema } from '#/xds/proto/envoy/config/cluster/v3/cluster_pb.ts'
import type { OutlierDetectionSchema } from '#/xds/proto/envoy/config/cluster/v3/outlier_detection_pb.ts'
import { durationOf, type InitOf } from './any.ts'

type Init = InitOf<typeof ClusterSchema>

export function breakingOf({ breakers, outliers, panicPercent }: Cluster): Init {
  return {
    ...(breakers ? { circuitBreakers: { thresholds: [thresholdsOf(breakers)] } } : {}),
    ...(outliers ? { outlierDetection: outlierDetectionOf(outliers) } : {}),
    ...(panicPercent === undefined ? {} : { commonLbConfig: { healthyPanicThreshold: { value: panicPercent } } }),
  }
}

function thresholdsOf(breakers: NonNullable<Cluster['breakers']>) {
  const { connectionsMax, pendingMax, requestsMax, retriesMax, retryBudget } = breakers
  return {
    ...(connectionsMax === undefined ? {} : { maxConnections: connectionsMax }),
    ...(pendingMax === undefined ? {} : { maxPendingRequests: pendingMax }),
    ...(requestsMax === undefined ? {} : { maxRequests: requestsMax }),
    ...(retriesMax === undefined ? {} : { maxRetries: retriesMax }),
    ...(retryBudget ? { retryBudget: budgetOf(retryBudget) } : {}),
  }
}

function budgetOf({ percent, attemptsMin }: NonNullable<BreakerLimits['retryBudget']>) {
  return { budgetPercent: { value: percent }, minRetryConcurrency: attemptsMin }
}

/** How sure an ejection is, percent: what is off would be on by Envoy's default. */
const on = 100
const off = 0

function outlierDetectionOf(outliers: OutlierDetection): InitOf<typeof OutlierDetectionSchema> {
  const { consecutiveFailures, consecutiveGatewayFailures, consecutiveLocalFailures, successRate, failureShare } =
    outliers
  return {
    interval: durationOf(outliers.intervalMs),
    baseEjectionTime: durationOf(outliers.ejectionMs),
    maxEjectionTime: durationOf(outliers.ejectionMsMax),
    maxEjectionPercent: outliers.ejectedPercentMax,
    alwaysEjectOneHost: outliers.ejectsOneAlways,
    ...(consecutiveFailures > 0 ? { consecutive5xx: consecutiveFailures } : {}),
    enforcingConsecutive5xx: consecutiveFailures > 0 ? on : off,
    ...(consecutiveGatewayFailures > 0 ? { consecutiveGatewayFailure: consecutiveGatewayFailures } : {}),
    enforcingConsecutiveGatewayFailure: consecutiveGatewayFailures > 0 ? on : off,
    ...(consecutiveLocalFailures > 0
      ? { splitExternalLocalOriginErrors: true, consecutiveLocalOriginFailure: consecutiveLocalFailures }
      : {}),
    enforcingLocalOriginSuccessRate: off,
    ...(successRate
      ? {
          successRateStdevFactor: Math.round(successRate.deviations * 1000),
          successRateMinimumHosts: successRate.endpointsMin,
          successRateRequestVolume: successRate.requestsMin,
        }
      : {}),
    enforcingSuccessRate: successRate ? on : off,
    ...(failureShare
      ? {
          failurePercentageThreshold: failureShare.percent,
          failurePercentageMinimumHosts: failureShare.endpointsMin,
          failurePercentageRequestVolume: failureShare.requestsMin,
        }
      : {}),
    enforcingFailurePercentage: failureShare ? on : off,
  }
}
