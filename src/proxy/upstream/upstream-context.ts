/** What pools and clusters share: limits from the settings, time, and who is told. */
import type { Socket } from 'node:net'
import type { Http1Limits } from '#/codec/http1/limits.ts'
import type { TimerWheel } from '#/codec/timer-wheel.ts'
import type { ProxyEvents } from '#/proxy/events.ts'
import type { Clock } from '#/std/clock.ts'
import type { Random } from '#/std/random.ts'

export interface UpstreamLimits {
  /** Upper bound of what a cluster may ask for, ms. */
  connectTimeoutMs: number
  poolIdleMs: number
  connectionsPerEndpointMax: number
  pendingPerEndpointMax: number
  dynamicHostsMax: number
}

export interface UpstreamContext {
  limits: UpstreamLimits
  http1: Http1Limits
  clock: Clock
  random: Random
  /** Fine, for timeouts of connecting; coarse, for idle connections. */
  wheel: TimerWheel
  coarseWheel: TimerWheel
  events: ProxyEvents
  /** The socket leads back to where this proxy takes calls itself. */
  isLoop(socket: Socket): boolean
}
