/** What pools and clusters share: limits from the settings, time, codecs, and who is told. */
import type { Socket } from 'node:net'
import type { ClientConnection, ClientConnectionOwner } from '#/codec/stream.ts'
import type { TimerWheel } from '#/codec/timer-wheel.ts'
import type { ProxyEvents } from '#/proxy/events.ts'
import type { LimitTable } from '#/proxy/thread/limit-table.ts'
import type { PemWatch } from '#/proxy/tls/pem-watch.ts'
import type { TlsExit } from '#/proxy/tls/tls-exit.ts'
import type { Clock } from '#/std/clock.ts'
import type { Random } from '#/std/random.ts'
import type { DialContext } from './dial.ts'
import type { HttpVersion } from './endpoint-pool.ts'

export interface UpstreamLimits {
  /** Upper bound of what a cluster may ask for, ms. */
  connectTimeoutMs: number
  poolIdleMs: number
  multiplexedIdleMs: number
  /** 0 for none. */
  connectionAgeMaxMs: number
  connectionsPerEndpointMax: number
  streamsPerConnectionMax: number
  pendingPerEndpointMax: number
  preconnectPercent: number
  dynamicHostsMax: number
}

export interface OpenConnectionOptions {
  version: HttpVersion
  owner: ClientConnectionOwner
  /** Requests at a time until the endpoint has said how many it takes. */
  streamsAtFirst: number
}

/** Speaks HTTP over a socket that is connected. */
export type OpenConnection = (socket: Socket, options: OpenConnectionOptions) => ClientConnection

export interface UpstreamContext extends DialContext {
  limits: UpstreamLimits
  /** Where several event loops share the limits. */
  limitTable?: LimitTable | undefined
  clock: Clock
  random: Random
  /** Fine, for timeouts of connecting; coarse, for idle connections. */
  wheel: TimerWheel
  coarseWheel: TimerWheel
  events: ProxyEvents
  certificates: PemWatch
  /** To endpoints that take mutual TLS; absent where the proxy has no identity. */
  mesh?: TlsExit | undefined
  openConnection: OpenConnection
}
