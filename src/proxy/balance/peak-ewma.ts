/**
 * Of two endpoints drawn at random the one where an answer is to be expected sooner: what it took of late, times those before in the
 * row. Other than the count of requests under way this sees an endpoint that is slow while it has little to do.
 */
import type { Endpoint } from '#/model/endpoint.ts'
import type { Clock } from '#/std/clock.ts'
import type { Random } from '#/std/random.ts'
import type { EndpointSlot } from './endpoint-slot.ts'
import { LeastRequestBalancer } from './least-request.ts'
import { PeakLatency } from './peak-latency.ts'
import type { SlotChange } from './slot-table.ts'

/** Where nothing is known and one request is to tell it, no second one is sent while others are there, ms. */
const unknownMs = 1e6

export class PeakEwmaBalancer<Attachment> extends LeastRequestBalancer<Attachment> {
  readonly #clock: Clock

  constructor(random: Random, clock: Clock) {
    super(random)
    this.#clock = clock
  }

  override update(endpoints: readonly Endpoint[]): SlotChange<Attachment> {
    const change = super.update(endpoints)
    for (const slot of change.added) slot.latency = new PeakLatency(this.#clock)
    return change
  }

  protected override better(one: EndpointSlot<Attachment>, other: EndpointSlot<Attachment>): EndpointSlot<Attachment> {
    const nowMs = this.#clock.monotonicMs()
    return costOf(other, nowMs) < costOf(one, nowMs) ? other : one
  }
}

/** Weight counts in the drawing; here it excuses load, as in least request. */
function costOf(slot: EndpointSlot<unknown>, nowMs: number): number {
  const latencyMs = slot.latency!.at(nowMs)
  if (latencyMs === 0) return slot.active * unknownMs
  return latencyMs * (1 + slot.active / slot.endpoint.weight)
}
