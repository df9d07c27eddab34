/** circuit_breakers, outlier_detection and common_lb_config → limits, ejections and panic. */
import type { BreakerLimits, OutlierDetection } from '#/model/breaking.ts'
import type { Cluster } from '#/model/cluster.ts'
import type { FieldReader } from './field-reader.ts'

type Breaking = Pick<Cluster, 'breakers' | 'outliers' | 'panicPercent'>

export function readBreaking(reader: FieldReader): Breaking {
  const breakers = readBreakers(reader.message('circuit_breakers'))
  const outlierDetection = reader.message('outlier_detection')
  const outliers = outlierDetection && readOutliers(outlierDetection)
  const panic = reader.message('common_lb_config')?.message('healthy_panic_threshold')
  return {
    ...(breakers ? { breakers } : {}),
    ...(outliers ? { outliers } : {}),
    ...(panic ? { panicPercent: panic.number('value') } : {}),
  }
}

/** Requests of ours are all of the default priority. */
function readBreakers(breakers: FieldReader | undefined): BreakerLimits | undefined {
  const all = breakers?.messages('thresholds') ?? []
  let limits: BreakerLimits | undefined
  for (const thresholds of all) {
    if (thresholds.enumeration('priority', 'DEFAULT') === 'HIGH') thresholds.skip()
    // Of several for one priority Envoy takes the first.
    else if (limits) thresholds.skip()
    else limits = readThresholds(thresholds)
  }
  return limits && Object.keys(limits).length > 0 ? limits : undefined
}

function readThresholds(thresholds: FieldReader): BreakerLimits {
  const connectionsMax = thresholds.wrappedNumber('max_connections')
  const pendingMax = thresholds.wrappedNumber('max_pending_requests')
  const requestsMax = thresholds.wrappedNumber('max_requests')
  const retriesMax = thresholds.wrappedNumber('max_retries')
  const budget = thresholds.message('retry_budget')
  return {
    ...(connectionsMax === undefined ? {} : { connectionsMax }),
    ...(pendingMax === undefined ? {} : { pendingMax }),
    ...(requestsMax === undefined ? {} : { requestsMax }),
    ...(retriesMax === undefined ? {} : { retriesMax }),
    ...(budget ? { retryBudget: readBudget(budget) } : {}),
  }
}

/** Envoy's own of what is not said. */
const budgetPercent = 20
const budgetAttemptsMin = 3

function readBudget(budget: FieldReader): NonNullable<BreakerLimits['retryBudget']> {
  const percent = budget.message('budget_percent')?.number('value') ?? budgetPercent
  if (!(percent >= 0 && percent <= 100)) budget.fault('budget_percent', 'must be between 0 and 100')
  return { percent, attemptsMin: budget.wrappedNumber('min_retry_concurrency') ?? budgetAttemptsMin }
}

function readOutliers(reader: FieldReader): OutlierDetection {
  // Rates are of all failures here, those of connections among them.
  reader.ignore('enforcing_local_origin_success_rate')
  const isSplit = reader.boolean('split_external_local_origin_errors')
  const local = countedIf(
    isSure(reader, 'enforcing_consecutive_local_origin_failure', true),
    reader,
    'consecutive_local_origin_failure',
  )
  const ejectionMs = positive(reader, 'base_ejection_time', 30_000)
  const successRate = readSuccessRate(reader)
  const failureShare = readFailureShare(reader)
  return {
    intervalMs: positive(reader, 'interval', 10_000),
    ejectionMs,
    ejectionMsMax: Math.max(ejectionMs, reader.durationMs('max_ejection_time') ?? 300_000),
    ejectedPercentMax: reader.wrappedNumber('max_ejection_percent') ?? 10,
    ejectsOneAlways: reader.wrappedBoolean('always_eject_one_host') ?? false,
    consecutiveFailures: countedIf(isSure(reader, 'enforcing_consecutive_5xx', true), reader, 'consecutive_5xx'),
    consecutiveGatewayFailures: countedIf(
      isSure(reader, 'enforcing_consecutive_gateway_failure', false),
      reader,
      'consecutive_gateway_failure',
    ),
    consecutiveLocalFailures: isSplit ? local : 0,
    ...(successRate ? { successRate } : {}),
    ...(failureShare ? { failureShare } : {}),
  }
}

function countedIf(isOn: boolean, reader: FieldReader, field: string): number {
  const count = reader.wrappedNumber(field) ?? 5
  return isOn ? count : 0
}

/** Ejections by chance would be a policy that this proxy does not carry out. */
function isSure(reader: FieldReader, field: string, isDefault: boolean): boolean {
  const percent = reader.wrappedNumber(field)
  if (percent !== undefined && percent !== 0 && percent !== 100)
    reader.fault(field, 'chances other than 0 and 100 are unsupported by this proxy')
  return percent === undefined ? isDefault : percent > 0
}

function readSuccessRate(reader: FieldReader): OutlierDetection['successRate'] {
  const isOn = isSure(reader, 'enforcing_success_rate', true)
  const deviations = (reader.wrappedNumber('success_rate_stdev_factor') ?? 1900) / 1000
  const endpointsMin = reader.wrappedNumber('success_rate_minimum_hosts') ?? 5
  const requestsMin = reader.wrappedNumber('success_rate_request_volume') ?? 100
  return isOn ? { deviations, endpointsMin, requestsMin } : undefined
}

function readFailureShare(reader: FieldReader): OutlierDetection['failureShare'] {
  const isOn = isSure(reader, 'enforcing_failure_percentage', false)
  const percent = reader.wrappedNumber('failure_percentage_threshold') ?? 85
  const endpointsMin = reader.wrappedNumber('failure_percentage_minimum_hosts') ?? 5
  const requestsMin = reader.wrappedNumber('failure_percentage_request_volume') ?? 50
  return isOn ? { percent, endpointsMin, requestsMin } : undefined
}

function positive(reader: FieldReader, field: string, defaultMs: number): number {
  const ms = reader.durationMs(field) ?? defaultMs
  if (ms === 0) reader.fault(field, 'must be above 0')
  return ms
}
