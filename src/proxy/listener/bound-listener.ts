/** One address on which connections are taken, each to be spoken HTTP with. */
import type { Server, Socket } from 'node:net'
import { createServer } from 'node:net'
import type { Http1Limits } from '#/codec/http1/limits.ts'
import type { Http2Limits } from '#/codec/http2/limits.ts'
import { defaultHttp2Limits } from '#/codec/http2/limits.ts'
import { withSharedRead } from '#/codec/shared-read.ts'
import type { ServerHandler } from '#/codec/stream.ts'
import type { TimerWheel } from '#/codec/timer-wheel.ts'
import type { AddressPair } from '#/proxy/stream/proxy-header.ts'
import type { TlsEntrance, TlsPeer } from '#/proxy/tls/tls-entrance.ts'
import type { HostPort } from '#/std/host-port.ts'
import type { HttpConnection } from './http-entrance.ts'
import { HttpEntrance } from './http-entrance.ts'
import { ProxyEntrance, tellAddresses } from './proxy-entrance.ts'

export interface BoundListenerOptions {
  address: HostPort
  limits: Http1Limits
  /** Absent: HTTP/1.1 alone is spoken. */
  http2?: Http2Limits
  /** Connections begin with a PROXY header. */
  proxyHeader?: { timeoutMs: number; onRefused: (detail: string) => void }
  /** Connections are TLS. */
  tls?: TlsEntrance
  wheel: TimerWheel
  connectionsMax: number
  /** Other event loops of the process listen there too, and the system chooses one for each connection (SO_REUSEPORT). */
  isShared?: boolean
  /** Whether a connection may come in, where more than this listener decides. */
  admit?: (socket: Socket) => boolean
  /** What is done with the requests of a connection; undefined closes it. `peer` is what TLS told. */
  handlerFor: (socket: Socket, peer?: TlsPeer) => ServerHandler | undefined
  /** Takes connections that may be other than HTTP, in place of `handlerFor`; `onClosed` is called once each. */
  enter?: (socket: Socket, onClosed: () => void) => HttpConnection
  /** Takes over connections that ask for a tunnel, in place of `handlerFor`. */
  enterTunnel?: (socket: Socket, early: Buffer, onClosed: () => void) => HttpConnection
  onConnection: () => void
  onConnectionClosed: () => void
  /** With `tls`: a connection that came no further. */
  onHandshakeFailed?: (detail: string) => void
  /** The listener has stopped by itself. */
  onError: (error: Error) => void
}

/** Connections that the system queues until they are taken: enough for a burst, and what Linux allows by default. */
const backlog = 4096

const socketOptions = { allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 60_000 }

export class BoundListener {
  readonly #options: BoundListenerOptions
  readonly #server: Server
  readonly #connections = new Set<HttpConnection>()
  #tls: TlsEntrance | undefined
  #isDraining = false

  constructor(options: BoundListenerOptions) {
    this.#options = options
    this.#tls = options.tls
    this.#server = createServer({ ...socketOptions, pauseOnConnect: !options.tls })
    this.#server.maxConnections = options.connectionsMax
    this.#server.on('connection', (socket) => this.#accept(socket))
  }

  get connections(): number {
    return this.#connections.size
  }

  /** Connections with a request under way. */
  get active(): number {
    let count = 0
    for (const connection of this.#connections) if (!connection.isIdle) count++
    return count
  }

  /** Where it really listens; defined after `bind`. */
  get address(): HostPort | undefined {
    const bound = this.#server.address()
    return bound === null || typeof bound === 'string' ? undefined : { host: bound.address, port: bound.port }
  }

  /** @returns rejects with the system's error (EADDRINUSE, EACCES, EADDRNOTAVAIL). */
  bind(): Promise<void> {
    const { host, port } = this.#options.address
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      const shared = this.#options.isShared ? { reusePort: true } : {}
      this.#server.listen({ host, port, backlog, ...shared }, () => {
        this.#server.removeListener('error', reject)
        this.#server.on('error', (error) => this.#options.onError(error))
        resolve()
      })
    })
  }

  /** For connections from now on. Only where there was TLS before. */
  changeTls(tls: TlsEntrance): void {
    this.#tls = tls
  }

  /** Takes no further connections. */
  stopAccepting(): void {
    if (this.#server.listening) this.#server.close()
  }

  /** Idle connections close now, the others after the answer under way. */
  drain(): void {
    this.#isDraining = true
    for (const connection of [...this.#connections]) connection.drain()
  }

  destroy(): void {
    this.stopAccepting()
    for (const connection of [...this.#connections]) connection.destroy()
  }

  #accept(accepted: Socket): void {
    const { proxyHeader, wheel, admit } = this.#options
    const socket = this.#tls ? accepted : withSharedRead(accepted)
    if (admit && !admit(socket)) {
      socket.destroy()
      return
    }
    if (proxyHeader) {
      const onHeader = (plain: Socket, addresses?: AddressPair): void => this.#open(plain, addresses)
      new ProxyEntrance(socket, { ...proxyHeader, wheel, onHeader })
    } else this.#open(socket, undefined)
  }

  /** @param addresses what a PROXY header told. */
  #open(socket: Socket, addresses: AddressPair | undefined): void {
    const { enter, handlerFor, http2 } = this.#options
    if (this.#tls) {
      this.#secure(socket, this.#tls, addresses)
      return
    }
    if (addresses) tellAddresses(socket, addresses)
    if (enter) this.#keep((onClosed) => enter(socket, onClosed))
    else this.#enter(socket, handlerFor(socket), http2 ? '' : 'http/1.1')
  }

  #secure(socket: Socket, tls: TlsEntrance, addresses: AddressPair | undefined): void {
    // What goes wrong below TLS is told by the handshake, or by the codec.
    socket.on('error', () => socket.destroy())
    tls.accept(socket, {
      onSecure: (secure, peer) => {
        if (addresses) tellAddresses(secure, addresses)
        this.#enter(secure, this.#options.handlerFor(socket, peer), peer.protocol)
      },
      onHandshakeFailed: (detail) => this.#options.onHandshakeFailed?.(detail),
    })
  }

  /** @param protocol what ALPN agreed on, empty to find out. */
  #enter(socket: Socket, handler: ServerHandler | undefined, protocol: string): void {
    if (!handler) {
      socket.destroy()
      return
    }
    const { limits: http1, http2 = defaultHttp2Limits, wheel, enterTunnel } = this.#options
    const options = { handler, http1, http2, wheel, protocol, ...(enterTunnel ? { enterTunnel } : {}) }
    this.#keep((onClosed) => new HttpEntrance(socket, { ...options, onClosed }))
  }

  #keep(open: (onClosed: () => void) => HttpConnection): void {
    this.#options.onConnection()
    let isClosed = false
    let connection: HttpConnection | undefined
    connection = open(() => {
      isClosed = true
      if (connection) this.#connections.delete(connection)
      this.#options.onConnectionClosed()
    })
    if (isClosed) return
    this.#connections.add(connection)
    if (this.#isDraining) connection.drain()
  }
}
