/** What spans the fields of a TrafficPolicy. */

import { durationMs } from './duration.ts'
import { checkPolicyTargets } from './policy-target.ts'
import { RuleCheck, type RuleFault } from './rule-check.ts'
import { headerToken } from './text-form.ts'
import type { TrafficPolicy, TrafficSpec } from './traffic-policy.ts'

/** Less would make looking at rates dearer than the requests. */
const intervalMsMin = 100

export function trafficPolicyFaults(policy: TrafficPolicy): RuleFault[] {
  const check = new RuleCheck()
  checkPolicyTargets(check, policy, ['Mesh', 'Namespace', 'Service'])
  const { targetRefs: _, ...said } = policy.spec
  if (Object.values(said).every((field) => field === undefined))
    check.add(
      'missing-field',
      ['spec'],
      'the policy says nothing',
      'write loadBalancing, circuitBreakers or outlierDetection',
    )
  checkBalancing(check, policy.spec.loadBalancing)
  checkBreakers(check, policy.spec.circuitBreakers)
  checkOutliers(check, policy.spec.outlierDetection)
  return check.faults
}

function checkBalancing(check: RuleCheck, balancing: TrafficSpec['loadBalancing']): void {
  if (!balancing) return
  const path = ['spec', 'loadBalancing', 'hashOn']
  const { type, hashOn } = balancing
  const isHashing = type === 'RingHash' || type === 'Maglev'
  if (isHashing && !hashOn)
    check.add(
      'missing-field',
      path,
      `${type} needs to know by what`,
      'write hashOn: [{header: x-user}], a cookie, a query parameter, path or source',
    )
  if (!isHashing && hashOn)
    check.add('contradiction', path, `${type} looks at no key`, 'use type: RingHash or Maglev, or remove hashOn')
  hashOn?.forEach((key, index) => {
    const said = Object.values(key).filter((value) => value !== undefined).length
    if (said !== 1)
      check.add(
        'contradiction',
        [...path, index],
        `${said} keys stand in one entry`,
        'write one of header, cookie, query, path and source an entry',
      )
    if (key.header !== undefined) check.headerName([...path, index, 'header'], key.header)
    if (key.cookie !== undefined && !headerToken.test(key.cookie))
      check.add(
        'wrong-format',
        [...path, index, 'cookie'],
        `${JSON.stringify(key.cookie)} is no cookie's name (RFC 6265)`,
        'use letters, digits and dashes',
      )
  })
}

function checkBreakers(check: RuleCheck, breakers: TrafficSpec['circuitBreakers']): void {
  if (breakers && Object.values(breakers).every((limit) => limit === undefined))
    check.add(
      'missing-field',
      ['spec', 'circuitBreakers'],
      'no limit is named',
      'write connections, pendingRequests, requests, retries or retryBudget',
    )
  if (breakers?.retries !== undefined && breakers.retryBudget !== undefined)
    check.add(
      'contradiction',
      ['spec', 'circuitBreakers', 'retries'],
      'retries are limited by a number or by a budget, not by both',
      'take one of them out',
    )
}

function checkOutliers(check: RuleCheck, outliers: TrafficSpec['outlierDetection']): void {
  if (!outliers) return
  const path = ['spec', 'outlierDetection']
  const { interval, baseEjectionTime, maxEjectionTime } = outliers
  if (interval !== undefined && durationMs(interval) < intervalMsMin)
    check.add('out-of-range', [...path, 'interval'], `${interval} is under ${intervalMsMin} ms`, 'write 1s or more')
  if (baseEjectionTime !== undefined && durationMs(baseEjectionTime) === 0)
    check.add('out-of-range', [...path, 'baseEjectionTime'], 'an ejection takes some time', 'write a duration above 0')
  if (maxEjectionTime !== undefined && durationMs(maxEjectionTime) < durationMs(baseEjectionTime ?? '30s'))
    check.add(
      'contradiction',
      [...path, 'maxEjectionTime'],
      `no ejection may be longer than ${maxEjectionTime}, and the first takes ${baseEjectionTime ?? '30s'}`,
      'raise maxEjectionTime, or lower baseEjectionTime',
    )
  const {
    consecutiveFailures,
    consecutiveGatewayFailures = 0,
    consecutiveLocalFailures,
    successRate,
    failureShare,
  } = outliers
  if (
    consecutiveFailures === 0 &&
    consecutiveGatewayFailures === 0 &&
    !consecutiveLocalFailures &&
    !successRate &&
    !failureShare
  )
    check.add(
      'contradiction',
      [...path, 'consecutiveFailures'],
      'nothing is left by which an endpoint could be ejected',
      'leave it out for 5 failures in a row, or remove outlierDetection',
    )
}
