/** A cluster without a network: endpoints that fail as told, on a clock that the test moves. */
import { TimerWheel } from '#/codec/timer-wheel.ts'
import type { OutlierDetection } from '#/model/breaking.ts'
import type { Cluster } from '#/model/cluster.ts'
import { type Balancer, createBalancer } from '#/proxy/balance/balancer.ts'
import type { EndpointSlot } from '#/proxy/balance/endpoint-slot.ts'
import { buildEndpoints } from '#/proxy/balance/testing/endpoint-builder.ts'
import { ManualClock } from '#/std/clock.ts'
import { seededRandom } from '#/std/random.ts'
import { ClusterGuard } from '../cluster-guard.ts'
import type { PoolCount } from '../connection-budget.ts'

export const outlierDefaults: OutlierDetection = {
  intervalMs: 1000,
  ejectionMs: 3000,
  ejectionMsMax: 60_000,
  ejectedPercentMax: 100,
  ejectsOneAlways: true,
  consecutiveFailures: 3,
  consecutiveGatewayFailures: 0,
  consecutiveLocalFailures: 0,
}

export class SimulatedCluster {
  readonly clock = new ManualClock()
  readonly random: () => number
  readonly balancer: Balancer<PoolCount>
  readonly guard: ClusterGuard

  constructor({ endpoints, seed, model }: { endpoints: number; seed: number; model: Partial<Cluster> }) {
    this.random = seededRandom(seed)
    this.balancer = createBalancer(model.loadBalancing ?? 'round-robin', this.random)
    this.balancer.update(buildEndpoints(endpoints))
    const wheel = new TimerWheel({ tickMs: 20, clock: this.clock })
    this.guard = new ClusterGuard({ clock: this.clock, wheel, coarseWheel: wheel }, this)
    this.guard.update({ name: 'a', panicPercent: 0, ...model })
  }

  get slots(): EndpointSlot<PoolCount>[] {
    return [...this.balancer.slots.values()]
  }

  refresh(panicPercent: number): void {
    this.balancer.refresh(panicPercent)
  }

  pick(): EndpointSlot<PoolCount> | undefined {
    return this.guard.takeProbe(undefined) ?? this.balancer.pick()
  }

  /** One request. @param statusOf the answer of an endpoint by its position; 0 for none. @returns who took it. */
  request(statusOf: (at: number) => number): number {
    const slot = this.pick()
    if (!slot) return -1
    const at = this.slots.indexOf(slot)
    const status = statusOf(at)
    slot.acquire()
    if (status === 0) slot.health?.onLocalFailure()
    else slot.health?.onAnswer(status)
    slot.release(status === 0)
    return at
  }

  /** How many of so many requests each endpoint took, `perMs` a time. */
  run(count: number, statusOf: (at: number) => number, everyMs = 0): number[] {
    const taken = this.slots.map(() => 0)
    for (let i = 0; i < count; i++) {
      const at = this.request(statusOf)
      if (at >= 0) taken[at]!++
      if (everyMs > 0) this.clock.advance(everyMs)
    }
    return taken
  }
}
