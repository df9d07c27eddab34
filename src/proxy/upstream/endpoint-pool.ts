/**
 * Connections to one endpoint. The connection that was used last is used next, so that the others can grow old and go.
 *
 *   acquire ─▶ idle one? ─yes─▶ onConnection(isReused)
 *                 │no
 *                 ▼ room? ─yes─▶ connecting ─▶ onConnection, or onConnectFailed for the one that waits longest
 *                 │no
 *                 ▼ queue ─▶ served when any connection is free; full: upstream_overflow
 */
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { Http1ClientConnection } from '#/codec/http1/client-connection.ts'
import type { ClientConnection, ClientConnectionOwner } from '#/codec/stream.ts'
import { WheelTimer } from '#/codec/timer-wheel.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import type { HostPort } from '#/std/host-port.ts'
import { formatHostPort } from '#/std/host-port.ts'
import type { UpstreamContext } from './upstream-context.ts'

/** Waits for a connection; told exactly once, perhaps during `acquire`, unless cancelled. */
export interface PoolClient {
  /** The request may not be sent twice, so a connection that is about to be closed by the endpoint would lose it. */
  readonly isRepeatable: boolean
  onConnection(connection: ClientConnection, isReused: boolean): void
  onConnectFailed(code: ErrorCodeName, detail: string): void
}

export interface EndpointPoolOptions {
  target: HostPort
  /** Name of the cluster, for metrics. */
  cluster: string
  connectTimeoutMs: number
  /** The target is a name that somebody else chose: it could lead back here. */
  mayLoop: boolean
  /** Nothing is connected or waits any more. */
  onEmpty?: () => void
}

/** A request that can't be repeated takes no connection that was idle for longer, ms: the endpoint may be closing it. */
const freshForUnrepeatableMs = 1000

/** Half-open, so that a tunnel can end one way first; keep-alive probes find endpoints that vanished without a word. */
const socketOptions = { noDelay: true, allowHalfOpen: true, keepAlive: true, keepAliveInitialDelay: 60_000 }

export class EndpointPool implements ClientConnectionOwner {
  readonly #options: EndpointPoolOptions
  readonly #context: UpstreamContext
  readonly #address: string
  /** A stack, with the time since which each is idle beside it. */
  readonly #idle: ClientConnection[] = []
  readonly #idleSinceMs: number[] = []
  readonly #waiting: PoolClient[] = []
  readonly #sweep = new WheelTimer(() => this.#closeIdle())
  #connecting = 0
  #open = 0
  #isDraining = false

  constructor(options: EndpointPoolOptions, context: UpstreamContext) {
    this.#options = options
    this.#context = context
    this.#address = formatHostPort(options.target)
  }

  get open(): number {
    return this.#open
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** @param isFresh take no reused connection: the last one turned out to be closed. */
  acquire(client: PoolClient, isFresh = false): void {
    const connection = isFresh ? undefined : this.#takeIdle(client.isRepeatable)
    if (connection) {
      client.onConnection(connection, true)
      return
    }
    const { connectionsPerEndpointMax, pendingPerEndpointMax } = this.#context.limits
    const hasRoom = this.#open + this.#connecting < connectionsPerEndpointMax
    if (!hasRoom && this.#waiting.length - this.#connecting >= pendingPerEndpointMax) {
      client.onConnectFailed(
        'upstream_overflow',
        `${this.#address}: ${connectionsPerEndpointMax} connections in use, ${pendingPerEndpointMax} requests wait`,
      )
      return
    }
    this.#waiting.push(client)
    if (hasRoom) this.#connect()
  }

  /** The client wants no connection any more. */
  cancel(client: PoolClient): void {
    const at = this.#waiting.indexOf(client)
    if (at >= 0) this.#waiting.splice(at, 1)
  }

  /** Idle connections close now, the others after their request. Clients that wait, and late ones, are still served. */
  drain(): void {
    this.#isDraining = true
    for (const connection of this.#idle.splice(0)) connection.drain()
    this.#idleSinceMs.length = 0
    this.#context.coarseWheel.cancel(this.#sweep)
  }

  onIdle(connection: ClientConnection): void {
    const client = this.#waiting.shift()
    if (client) {
      client.onConnection(connection, true)
    } else if (this.#isDraining) {
      connection.drain()
    } else {
      this.#keep(connection)
    }
  }

  onClosed(connection: ClientConnection): void {
    this.#open--
    const at = this.#idle.lastIndexOf(connection)
    if (at >= 0) {
      this.#idle.splice(at, 1)
      this.#idleSinceMs.splice(at, 1)
    }
    this.#context.events.onUpstreamConnectionClosed(this.#options.cluster)
    this.#connectForWaiting()
    this.#checkEmpty()
  }

  #keep(connection: ClientConnection): void {
    this.#idle.push(connection)
    this.#idleSinceMs.push(this.#context.clock.monotonicMs())
    if (this.#sweep.slot < 0) this.#context.coarseWheel.set(this.#sweep, this.#context.limits.poolIdleMs)
  }

  #takeIdle(isRepeatable: boolean): ClientConnection | undefined {
    const last = this.#idle.length - 1
    if (last < 0) return undefined
    if (!isRepeatable) {
      const ageMs = this.#context.clock.monotonicMs() - this.#idleSinceMs[last]!
      if (ageMs > Math.min(freshForUnrepeatableMs, this.#context.limits.poolIdleMs / 2)) return undefined
    }
    this.#idleSinceMs.pop()
    return this.#idle.pop()
  }

  /** The bottom of the stack is the oldest. */
  #closeIdle(): void {
    const { clock, coarseWheel, limits } = this.#context
    const nowMs = clock.monotonicMs()
    let old = 0
    while (old < this.#idle.length && nowMs - this.#idleSinceMs[old]! >= limits.poolIdleMs) old++
    this.#idleSinceMs.splice(0, old)
    for (const connection of this.#idle.splice(0, old)) connection.drain()
    if (this.#idle.length > 0) coarseWheel.set(this.#sweep, limits.poolIdleMs - (nowMs - this.#idleSinceMs[0]!))
  }

  #connectForWaiting(): void {
    const { connectionsPerEndpointMax } = this.#context.limits
    while (this.#waiting.length > this.#connecting && this.#open + this.#connecting < connectionsPerEndpointMax) {
      this.#connect()
    }
  }

  #connect(): void {
    this.#connecting++
    const { host, port } = this.#options.target
    // Own timer in place of the socket's: it counts from the start of the look-up, and costs no system timer.
    const socket = connect({ host, port, ...socketOptions })
    const timeoutMs = this.#options.connectTimeoutMs
    const timer = new WheelTimer(() => failed('upstream_connect_timeout', `no connection in ${timeoutMs} ms`))
    const failed = (code: ErrorCodeName, detail: string): void => {
      this.#context.wheel.cancel(timer)
      socket.removeAllListeners()
      // A late error of a socket that is given up would end the process.
      socket.on('error', () => undefined)
      socket.destroy()
      this.#connectFailed(code, detail)
    }
    this.#context.wheel.set(timer, timeoutMs)
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOTFOUND') failed('host_not_found', `${host} is unknown to DNS`)
      else failed('upstream_connect_failed', error.code ?? error.message)
    })
    socket.once('connect', () => {
      this.#context.wheel.cancel(timer)
      if (this.#options.mayLoop && this.#context.isLoop(socket)) {
        failed('loop_detected', `${this.#address} is this proxy's own outbound listener`)
        return
      }
      socket.removeAllListeners('error')
      this.#connected(socket)
    })
  }

  #connected(socket: Socket): void {
    this.#connecting--
    this.#open++
    this.#context.events.onUpstreamConnection(this.#options.cluster)
    const connection = new Http1ClientConnection(socket, { owner: this, limits: this.#context.http1 })
    const client = this.#waiting.shift()
    if (client) client.onConnection(connection, false)
    else if (this.#isDraining) connection.drain()
    else this.#keep(connection)
  }

  #connectFailed(code: ErrorCodeName, detail: string): void {
    this.#connecting--
    this.#context.events.onUpstreamConnectFailed(this.#options.cluster, this.#address, detail)
    this.#waiting.shift()?.onConnectFailed(code, `${this.#address}: ${detail}`)
    this.#connectForWaiting()
    this.#checkEmpty()
  }

  #checkEmpty(): void {
    if (this.#open + this.#connecting + this.#waiting.length === 0) this.#options.onEmpty?.()
  }
}
