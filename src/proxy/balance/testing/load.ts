/** Requests at a steady pace to endpoints that take their time, on a clock that the test moves. */
import type { ManualClock } from '#/std/clock.ts'
import type { Balancer } from '../balancer.ts'

export interface LoadOptions {
  clock: ManualClock
  requests: number
  /** Between two requests, ms. */
  everyMs: number
  /** What the endpoint at that position needs, ms. */
  tookMs: (at: number) => number
}

/** @returns the share of each endpoint, 0 to 1. */
export function runLoad(balancer: Balancer, { clock, requests, everyMs, tookMs }: LoadOptions): number[] {
  const slots = [...balancer.slots.values()]
  const counts = slots.map(() => 0)
  for (let i = 0; i < requests; i++) {
    const slot = balancer.pick()!
    const at = slots.indexOf(slot)
    counts[at]!++
    slot.acquire()
    const beganMs = slot.latency?.begin() ?? 0
    clock.after(tookMs(at), () => {
      slot.latency?.end(beganMs, false)
      slot.release(false)
    })
    clock.advance(everyMs)
  }
  return counts.map((count) => count / requests)
}
