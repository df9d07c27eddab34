/**
 * Connections to one endpoint, in one protocol. The connection that was used last is used next, so that the others can
 * grow old and go; one that takes several requests is filled before a second is opened.
 *
 *   acquire ─▶ one with room? ─yes─▶ onConnection(isReused)
 *                 │no
 *                 ▼ may open one? ─yes─▶ dial ─▶ onConnection, or onConnectFailed for those that counted on it
 *                 │no
 *                 ▼ queue ─▶ served when any connection has room; full: upstream_overflow
 */
import type { Socket } from 'node:net'
import type { ClientConnection } from '#/codec/stream.ts'
import { WheelTimer } from '#/codec/timer-wheel.ts'
import type { ShareOwner } from '#/proxy/thread/pool-share.ts'
import { PoolShare } from '#/proxy/thread/pool-share.ts'
import type { SessionTickets } from '#/proxy/tls/tls-exit.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import { formatHostPort } from '#/std/host-port.ts'
import type { DialOwner } from './dial.ts'
import { Dial } from './dial.ts'
import type { EndpointPoolOptions, PoolClient } from './pool-client.ts'
import type { PooledConnectionOwner } from './pooled-connection.ts'
import { PooledConnection } from './pooled-connection.ts'
import type { UpstreamContext } from './upstream-context.ts'

export type { EndpointPoolOptions, HttpVersion, PoolClient } from './pool-client.ts'

/** A request that can't be repeated takes no connection that was idle for longer, ms: the endpoint may be closing it. */
const freshForUnrepeatableMs = 1000

/** What an endpoint that has yet to speak is trusted with: it should allow as many (RFC 9113 section 6.5.2). */
const streamsAtFirstMax = 100

export class EndpointPool implements PooledConnectionOwner, DialOwner, ShareOwner {
  readonly #options: EndpointPoolOptions
  readonly #context: UpstreamContext
  readonly #address: string
  /** Connections with room, a stack. */
  readonly #listed: PooledConnection[] = []
  /** All that are open. */
  readonly #open = new Set<PooledConnection>()
  readonly #dials = new Set<Dial>()
  readonly #waiting: PoolClient[] = []
  readonly #tickets: SessionTickets
  readonly #sweep = new WheelTimer(() => this.#closeOld())
  /** How many requests a connection is expected to take: what the last one took, before the first what may be. */
  #streamsExpected: number
  /** Of the connections that all event loops may have; undefined where there is one. */
  readonly #share: PoolShare | undefined
  #isDraining = false

  constructor(options: EndpointPoolOptions, context: UpstreamContext) {
    this.#options = options
    this.#context = context
    this.#address = formatHostPort(options.target)
    this.#tickets = options.tickets ?? []
    const mayMultiplex = options.version === 'http2' || (options.tls?.model.alpn.includes('h2') ?? false)
    this.#streamsExpected = mayMultiplex ? context.limits.streamsPerConnectionMax : 1
    const { limitTable: table, limits, wheel } = context
    const key = `${options.cluster} ${this.#address} ${options.version}`
    this.#share = table && new PoolShare({ table, key, max: limits.connectionsPerEndpointMax, wheel, owner: this })
  }

  get open(): number {
    return this.#open.size
  }

  /** Those that are being made among them. */
  get connections(): number {
    return this.#open.size + this.#dials.size
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** @param isFresh take no reused connection: the last one turned out to be closed. */
  acquire(client: PoolClient, isFresh = false): void {
    const entry = isFresh ? undefined : this.#takeListed(client.isRepeatable)
    if (entry && !mayCarry(entry.connection, client)) this.#list(entry)
    else if (entry) {
      this.#give(entry, client)
      if (this.#context.limits.preconnectPercent > 100) this.#preconnect()
      return
    }
    const { connectionsPerEndpointMax, pendingPerEndpointMax } = this.#context.limits
    const budget = this.#options.budget?.()
    const isOver = budget?.mayOpen(this.connections) === false
    const isFull = this.connections >= connectionsPerEndpointMax || this.#share?.isFull === true || isOver
    const mayWait = this.unserved + (this.#share?.othersWaiting ?? 0) < pendingPerEndpointMax
    if (isFull && !(mayWait && budget?.mayWait() !== false)) {
      const detail = `${this.connections} connections in use, ${this.#waiting.length} requests wait`
      client.onConnectFailed('upstream_overflow', `${this.#address}: ${detail}`)
      this.#checkEmpty()
      return
    }
    this.#waiting.push(client)
    this.#dialForWaiting()
    if (this.#context.limits.preconnectPercent > 100) this.#preconnect()
  }

  /** The client wants no connection any more. */
  cancel(client: PoolClient): void {
    const at = this.#waiting.indexOf(client)
    if (at < 0) return
    this.#waiting.splice(at, 1)
    this.#share?.tell(this.unserved)
    this.#checkEmpty()
  }

  /** Idle connections close now, the others after their requests. Clients that wait, and late ones, are still served. */
  drain(): void {
    this.#isDraining = true
    for (const entry of this.#listed.splice(0)) {
      entry.isListed = false
      entry.connection.drain()
    }
    this.#context.coarseWheel.cancel(this.#sweep)
  }

  onRoom(entry: PooledConnection): void {
    const { connection } = entry
    if (entry.isReused && this.#share?.isOwed(this.#waiting.length === 0)) {
      entry.connection.drain()
      return
    }
    if (entry.isMultiplexed) this.#streamsExpected = Math.max(1, connection.active + connection.capacity)
    while (this.#waiting.length > 0 && connection.capacity > 0 && mayCarry(connection, this.#waiting[0]!)) {
      this.#give(entry, this.#waiting.shift()!)
    }
    if (connection.capacity > 0) this.#list(entry)
    this.#share?.tell(this.unserved)
  }

  onGone(entry: PooledConnection): void {
    this.#open.delete(entry)
    this.#unlist(entry)
    this.#share?.give()
    this.#context.events.onUpstreamConnectionClosed(this.#options.cluster)
    this.#dialForWaiting()
    this.#checkEmpty()
  }

  onDialed(dial: Dial, socket: Socket, protocol: string): void {
    const { clock, events } = this.#context
    this.#dials.delete(dial)
    const version = protocol === 'h2' ? 'http2' : protocol === 'http/1.1' ? 'http1' : this.#options.version
    const isMultiplexed = version === 'http2'
    const entry = new PooledConnection(this, { isMultiplexed, openedMs: clock.monotonicMs() })
    this.#open.add(entry)
    events.onUpstreamConnection(this.#options.cluster)
    const streamsAtFirst = Math.min(this.#streamsExpected, streamsAtFirstMax)
    entry.connection = this.#context.openConnection(socket, { version, owner: entry, streamsAtFirst })
    if (!isMultiplexed) this.#streamsExpected = 1
    this.onRoom(entry)
    // The endpoint may take less than hoped: those left over need connections of their own. A connection with room is one
    // whose settings they wait for.
    if (entry.connection.capacity === 0) this.#dialForWaiting()
  }

  onDialFailed(dial: Dial, code: ErrorCodeName, detail: string): void {
    this.#dials.delete(dial)
    this.#share?.give()
    this.#context.events.onUpstreamConnectFailed(this.#options.cluster, this.#address, detail)
    // All that counted on it: whoever still waits for it would wait for a connection that nobody makes.
    const failed = this.#waiting.splice(0, this.#streamsExpected)
    for (const client of failed) client.onConnectFailed(code, `${this.#address}: ${detail}`)
    this.#dialForWaiting()
    this.#checkEmpty()
  }

  #give(entry: PooledConnection, client: PoolClient): void {
    const { isReused, connection } = entry
    entry.isReused = true
    client.onConnection(connection, isReused)
    // It may take more, unless the request's begin has cost it its life.
    if (entry.isMultiplexed && connection.capacity > 0) this.#list(entry)
  }

  #list(entry: PooledConnection): void {
    if (entry.isListed) return
    const { clock, limits } = this.#context
    entry.usedMs = clock.monotonicMs()
    const isOld = limits.connectionAgeMaxMs > 0 && entry.usedMs - entry.openedMs >= limits.connectionAgeMaxMs
    if (this.#isDraining || isOld) {
      entry.connection.drain()
      return
    }
    entry.isListed = true
    this.#listed.push(entry)
    if (this.#sweep.slot < 0) this.#context.coarseWheel.set(this.#sweep, this.#leftMs(entry, entry.usedMs))
  }

  #unlist(entry: PooledConnection): void {
    if (!entry.isListed) return
    entry.isListed = false
    this.#listed.splice(this.#listed.lastIndexOf(entry), 1)
  }

  #takeListed(isRepeatable: boolean): PooledConnection | undefined {
    for (;;) {
      const last = this.#listed[this.#listed.length - 1]
      if (last === undefined) return undefined
      if (!isRepeatable && !last.isMultiplexed) {
        const ageMs = this.#context.clock.monotonicMs() - last.usedMs
        if (ageMs > Math.min(freshForUnrepeatableMs, this.#context.limits.poolIdleMs / 2)) return undefined
      }
      this.#listed.pop()
      last.isListed = false
      // The endpoint may have lowered its limit of streams meanwhile; then `onRoom` will list it again.
      if (last.connection.capacity > 0) return last
    }
  }

  /** How long the connection may still be kept if nothing happens, ms. */
  #leftMs(entry: PooledConnection, nowMs: number): number {
    const { poolIdleMs, multiplexedIdleMs, connectionAgeMaxMs } = this.#context.limits
    const idleLeftMs = (entry.isMultiplexed ? multiplexedIdleMs : poolIdleMs) - (nowMs - entry.usedMs)
    return connectionAgeMaxMs === 0 ? idleLeftMs : Math.min(idleLeftMs, connectionAgeMaxMs - (nowMs - entry.openedMs))
  }

  #closeOld(): void {
    const { clock, coarseWheel } = this.#context
    const nowMs = clock.monotonicMs()
    let nextMs = Number.POSITIVE_INFINITY
    for (const entry of [...this.#listed]) {
      if (entry.connection.active > 0) entry.usedMs = nowMs
      const leftMs = this.#leftMs(entry, nowMs)
      if (leftMs > 0) {
        nextMs = Math.min(nextMs, leftMs)
        continue
      }
      this.#unlist(entry)
      entry.connection.drain()
    }
    if (this.#listed.length > 0) coarseWheel.set(this.#sweep, nextMs)
  }

  /** As many connections as those who wait need, no more than allowed. */
  #dialForWaiting(): void {
    const { connectionsPerEndpointMax } = this.#context.limits
    const budget = this.#options.budget?.()
    while (
      this.unserved > 0 &&
      this.connections < connectionsPerEndpointMax &&
      budget?.mayOpen(this.connections) !== false &&
      (this.#share === undefined || this.#share.take())
    ) {
      this.#dial()
    }
    this.#share?.tell(this.unserved)
  }

  /** Requests that wait, and for whom no connection is on its way. */
  get unserved(): number {
    return this.#waiting.length - this.#dials.size * this.#streamsExpected
  }

  /** Another event loop has given something back, or will. */
  onShare(): void {
    this.#dialForWaiting()
  }

  /** Other event loops wait: the connections that were unused for longest go. */
  onOwed(connections: number): void {
    for (const entry of this.#listed.filter(({ connection }) => connection.active === 0).slice(0, connections)) {
      this.#unlist(entry)
      entry.connection.drain()
    }
  }

  /** Room ahead of demand, one connection at a time (Envoy: per_upstream_preconnect_ratio). */
  #preconnect(): void {
    const { preconnectPercent, connectionsPerEndpointMax } = this.#context.limits
    const { connections } = this
    if (this.#isDraining || connections >= connectionsPerEndpointMax) return
    if (this.#options.budget?.()?.mayOpen(connections) === false) return
    let underWay = this.#waiting.length
    for (const { connection } of this.#open) underWay += connection.active
    if (connections * this.#streamsExpected * 100 >= underWay * preconnectPercent) return
    if (this.#share === undefined || this.#share.take()) this.#dial()
  }

  #dial(): void {
    const { target, connectTimeoutMs: timeoutMs, mayLoop, tls, peer, preamble } = this.#options
    const options = { target, timeoutMs, mayLoop, tls, peer, preamble, tickets: this.#tickets, owner: this }
    this.#dials.add(new Dial(options, this.#context))
  }

  #checkEmpty(): void {
    if (this.connections + this.#waiting.length > 0) return
    this.#share?.close()
    this.#options.onEmpty?.()
  }
}

function mayCarry({ isSettled = true }: ClientConnection, { isUpgrade = false }: PoolClient): boolean {
  return isSettled || !isUpgrade
}
