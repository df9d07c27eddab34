/**
 * Endpoints of a cluster that answer worse than they should get no requests for a while (Envoy: outlier detection). Each caller's
 * proxy sees for itself, so that no opinion has to be carried round.
 *
 * Other than Envoy, an endpoint whose time is over is asked by one request before it gets its share again, and is ejected for longer
 * if that fails: one that is still down costs one request an ejection, not as many in a row as the policy allows.
 */
import { type TimerWheel, WheelTimer } from '#/codec/timer-wheel.ts'
import type { OutlierDetection } from '#/model/breaking.ts'
import type { EndpointSlot } from '#/proxy/balance/endpoint-slot.ts'
import type { Clock } from '#/std/clock.ts'
import { EndpointHealthState, type HealthJudge } from './endpoint-health.ts'
import { isUnderRate, rateFloor } from './success-rate.ts'

export interface OutlierOptions {
  clock: Clock
  wheel: TimerWheel
  /** Who may be chosen from has changed. */
  onChange: () => void
}

type Slot = EndpointSlot<unknown>

export class OutlierDetector implements HealthJudge {
  readonly #options: OutlierOptions
  readonly #slots = new Map<EndpointHealthState, Slot>()
  readonly #sweep = new WheelTimer(() => this.#look())
  readonly #due: EndpointHealthState[] = []
  #policy: OutlierDetection
  #ejected = 0

  constructor(policy: OutlierDetection, options: OutlierOptions) {
    this.#policy = policy
    this.#options = options
  }

  /** How many get nothing now. */
  get ejected(): number {
    return this.#ejected
  }

  update(policy: OutlierDetection): void {
    this.#policy = policy
    for (const health of this.#slots.keys()) health.countsLocalApart = policy.consecutiveLocalFailures > 0
  }

  /** All endpoints of the cluster; those that stay keep what is known of them. */
  watch(slots: Iterable<Slot>): void {
    const seen = new Set<EndpointHealthState>()
    for (const slot of slots) {
      slot.health ??= this.#begin()
      seen.add(slot.health)
      this.#slots.set(slot.health, slot)
    }
    for (const health of this.#slots.keys()) if (!seen.has(health)) this.#forget(health)
  }

  /** Everybody is trusted again. */
  close(): void {
    this.#options.wheel.cancel(this.#sweep)
    for (const health of this.#slots.keys()) this.#forget(health)
  }

  /** @returns an endpoint that is to be asked whether it is well again; undefined nearly always. */
  takeProbe(exclude: readonly Slot[] | undefined): Slot | undefined {
    const health = this.#due.pop()
    if (health === undefined) return undefined
    const slot = this.#slots.get(health)
    if (slot === undefined) return undefined
    if (exclude?.includes(slot) || slot.endpoint.health !== 'healthy') {
      // The next look makes it due again.
      health.trust = 'ejected'
      return undefined
    }
    health.trust = 'probed'
    return slot
  }

  onOutcome(health: EndpointHealthState, isGood: boolean): void {
    if (this.#sweep.slot < 0) this.#arm()
    if (health.trust === 'trusted') {
      if (!isGood && this.#hasFailedTooOften(health)) this.#eject(health)
    } else if (health.trust === 'probed') {
      if (isGood) this.#restore(health)
      else this.#prolong(health)
    }
    // What was under way when it was ejected says nothing new.
  }

  #begin(): EndpointHealthState {
    const health = new EndpointHealthState(this)
    health.countsLocalApart = this.#policy.consecutiveLocalFailures > 0
    return health
  }

  #forget(health: EndpointHealthState): void {
    const slot = this.#slots.get(health)!
    this.#slots.delete(health)
    if (health.trust !== 'trusted') this.#ejected--
    const at = this.#due.indexOf(health)
    if (at >= 0) this.#due.splice(at, 1)
    slot.health = undefined
    slot.isEjected = false
  }

  #hasFailedTooOften(health: EndpointHealthState): boolean {
    const { consecutiveFailures, consecutiveGatewayFailures, consecutiveLocalFailures } = this.#policy
    return (
      (consecutiveFailures > 0 && health.failuresInRow >= consecutiveFailures) ||
      (consecutiveGatewayFailures > 0 && health.gatewayFailuresInRow >= consecutiveGatewayFailures) ||
      (consecutiveLocalFailures > 0 && health.localFailuresInRow >= consecutiveLocalFailures)
    )
  }

  #eject(health: EndpointHealthState): void {
    if (!this.#mayEject()) return
    this.#ejected++
    this.#slots.get(health)!.isEjected = true
    this.#prolong(health)
    this.#options.onChange()
  }

  /** Of Envoy's `max_ejection_percent`: the one to come is counted too. */
  #mayEject(): boolean {
    const { ejectedPercentMax, ejectsOneAlways } = this.#policy
    if (ejectsOneAlways && this.#ejected === 0) return true
    return (this.#ejected + 1) * 100 <= ejectedPercentMax * this.#slots.size
  }

  #prolong(health: EndpointHealthState): void {
    const { ejectionMs, ejectionMsMax } = this.#policy
    health.trust = 'ejected'
    health.ejections++
    const forMs = Math.min(ejectionMs * health.ejections, Math.max(ejectionMs, ejectionMsMax))
    health.ejectedUntilMs = this.#options.clock.monotonicMs() + forMs
    health.forget()
  }

  #restore(health: EndpointHealthState): void {
    this.#ejected--
    health.trust = 'trusted'
    health.forget()
    this.#slots.get(health)!.isEjected = false
    this.#options.onChange()
  }

  #arm(): void {
    this.#options.wheel.set(this.#sweep, this.#policy.intervalMs)
  }

  /** At the end of each interval in which anything happened, or that has ejected endpoints. */
  #look(): void {
    const nowMs = this.#options.clock.monotonicMs()
    this.#judgeRates()
    let isBusy = false
    for (const [health, slot] of this.#slots) {
      isBusy ||= health.requests > 0 || health.ejections > 0
      health.requests = 0
      health.failures = 0
      if (health.trust === 'trusted') health.ejections = Math.max(0, health.ejections - 1)
      // A probe that ended without an outcome, since its client went away, is repeated.
      else if (health.trust === 'probed' && slot.active === 0) this.#expect(health)
      else if (health.trust === 'ejected' && nowMs >= health.ejectedUntilMs) this.#expect(health)
    }
    if (isBusy) this.#arm()
  }

  #expect(health: EndpointHealthState): void {
    health.trust = 'due'
    this.#due.unshift(health)
  }

  #judgeRates(): void {
    const { successRate, failureShare } = this.#policy
    if (successRate) {
      const judged = this.#judged(successRate)
      const floor = rateFloor(judged, successRate.deviations)
      for (const health of judged) if (isUnderRate(health, floor)) this.#eject(health)
    }
    if (failureShare) {
      for (const health of this.#judged(failureShare))
        if (health.failures * 100 >= failureShare.percent * health.requests) this.#eject(health)
    }
  }

  /** Those with enough requests, if they are enough to say what is usual. */
  #judged({ requestsMin, endpointsMin }: { requestsMin: number; endpointsMin: number }): EndpointHealthState[] {
    const judged: EndpointHealthState[] = []
    for (const health of this.#slots.keys())
      if (health.trust === 'trusted' && health.requests > 0 && health.requests >= requestsMin) judged.push(health)
    return judged.length >= endpointsMin ? judged : []
  }
}
