/** Which endpoint takes a request. */
import type { LoadBalancing } from '#/model/cluster.ts'
import type { Endpoint } from '#/model/endpoint.ts'
import { type Clock, systemClock } from '#/std/clock.ts'
import { type Random, systemRandom } from '#/std/random.ts'
import type { EndpointSlot } from './endpoint-slot.ts'
import { HashBalancer } from './hash-balancer.ts'
import { LeastRequestBalancer } from './least-request.ts'
import { buildMaglev } from './maglev.ts'
import { PeakEwmaBalancer } from './peak-ewma.ts'
import { RandomBalancer } from './random.ts'
import { buildRing } from './ring.ts'
import { RoundRobinBalancer } from './round-robin.ts'
import type { SlotChange } from './slot-table.ts'

/** `Attachment` is what the owner keeps in each slot. Picking is synchronous and makes no garbage. */
export interface Balancer<Attachment = unknown> {
  /** Every endpoint by `address:port`, also those that get no requests. */
  readonly slots: ReadonlyMap<string, EndpointSlot<Attachment>>
  /** How many endpoints there are to choose from. */
  readonly size: number
  /** Takes over a new list; slots of endpoints that stay are the same objects as before. */
  update(endpoints: readonly Endpoint[]): SlotChange<Attachment>
  /** Slots were ejected, or are not any more. @param panicPercent as in the cluster. */
  refresh(panicPercent: number): void
  /**
   * Chooses; the caller calls `acquire` on the slot.
   * @param exclude slots that a retry has tried already.
   * @param hash of the request's key, 0 to 2^32 - 1; negative for none. Only hashing balancers look at it.
   * @returns undefined when there is no endpoint, or none that is not excluded.
   */
  pick(exclude?: readonly EndpointSlot<Attachment>[], hash?: number): EndpointSlot<Attachment> | undefined
}

export function createBalancer<Attachment = unknown>(
  kind: LoadBalancing,
  random: Random = systemRandom,
  clock: Clock = systemClock,
): Balancer<Attachment> {
  switch (kind) {
    case 'round-robin':
      return new RoundRobinBalancer<Attachment>(random)
    case 'random':
      return new RandomBalancer<Attachment>(random)
    case 'least-request':
      return new LeastRequestBalancer<Attachment>(random)
    case 'ring-hash':
      return new HashBalancer<Attachment>(random, buildRing)
    case 'maglev':
      return new HashBalancer<Attachment>(random, buildMaglev)
    case 'peak-ewma':
      return new PeakEwmaBalancer<Attachment>(random, clock)
  }
}
