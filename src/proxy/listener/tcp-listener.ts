/** A bound listener with what its connections become: requests, streams, tunnels. */
import type { Socket } from 'node:net'
import { giveBytes } from '#/codec/shared-read.ts'
import type { ServerHandler } from '#/codec/stream.ts'
import { mutualTlsModeAt } from '#/model/mutual-tls.ts'
import { inbound } from '#/proxy/inbound.ts'
import { outbound } from '#/proxy/outbound.ts'
import type { ProxyContext } from '#/proxy/proxy-context.ts'
import type { StreamEntranceOptions } from '#/proxy/stream/entrance-options.ts'
import { StreamEntrance } from '#/proxy/stream/stream-entrance.ts'
import type { TunnelSocket } from '#/proxy/stream/tunnel-socket.ts'
import type { ListenerEntry } from '#/proxy/table/listener-table.ts'
import type { TlsEntrance, TlsPeer } from '#/proxy/tls/tls-entrance.ts'
import type { HostPort } from '#/std/host-port.ts'
import { BoundListener, type BoundListenerOptions } from './bound-listener.ts'
import { ConnectEntrance } from './connect-entrance.ts'
import { ConnectionHandler, tellMalformed } from './connection-handler.ts'
import type { HttpConnection } from './http-entrance.ts'
import { HttpEntrance } from './http-entrance.ts'
import { MeshEntrance } from './mesh-entrance.ts'

export interface TcpListenerOptions {
  entry: ListenerEntry
  tls: TlsEntrance | undefined
  context: ProxyContext
  /** Called after each, once it is no longer among the connections. */
  onConnectionClosed: () => void
}

/** Where a stream is going, as far as its connection tells. */
type StreamOrigin = Pick<StreamEntranceOptions, 'original' | 'tunnel' | 'tls'>

interface HandlerOrigin {
  original: HostPort | undefined
  tls?: TlsPeer | undefined
  /** Of a tunnel or a redirected connection: no tunnels are made there. */
  isInside?: boolean
}

/** Connections of the listener may be something other than HTTP. */
export function mayBeOpaque({ listener }: ListenerEntry): boolean {
  const { protocol = 'http', target, isRedirected } = listener
  return protocol !== 'http' || target.type === 'streams' || (target.type === 'on-demand' && isRedirected)
}

/** @returns the listener, not yet bound. */
export function newTcpListener({ entry, tls, context, onConnectionClosed }: TcpListenerOptions): BoundListener {
  const { events, settings, http1, http2, coarseWheel, log } = context
  const entrances = new ConnectionEntrances(entry, context)
  const proxyHeader = {
    timeoutMs: settings.requestHeaderTimeoutMs,
    onRefused: (detail: string) => events.onMalformed(entry.name, 'bad_proxy_header', detail),
  }
  return new BoundListener({
    ...(entry.listener.mutualTls
      ? { enter: entrances.enterMesh }
      : mayBeOpaque(entry)
        ? { enter: entrances.enter }
        : {}),
    ...(entry.listener.target.type === 'on-demand' ? { enterTunnel: entrances.enterTunnel } : {}),
    address: entry.listener.address!,
    limits: http1,
    http2,
    ...(tls ? { tls } : {}),
    ...(entry.listener.acceptsProxyProtocol ? { proxyHeader } : {}),
    wheel: coarseWheel,
    connectionsMax: settings.listenerConnectionsMax,
    ...shareWithLoops(entry.name, context),
    handlerFor: entrances.handlerFor,
    onConnection: () => events.onConnection(entry.name),
    onConnectionClosed: () => {
      events.onConnectionClosed(entry.name)
      onConnectionClosed()
    },
    onHandshakeFailed: (detail) => events.onMalformed(entry.name, 'client_tls_failed', detail),
    onError: (error) => log.error('a listener failed', { listener: entry.name, fault: error.message }),
  })
}

/** One event loop among several: they listen at the same address, and together take no more connections than one would. */
function shareWithLoops(name: string, { limitTable, settings }: ProxyContext): Partial<BoundListenerOptions> {
  if (!limitTable) return {}
  const key = `listener ${name}`
  const admit = (socket: Socket): boolean => {
    const limit = limitTable.open(key)
    const isAdmitted = limit.take(settings.listenerConnectionsMax)
    if (!isAdmitted) limitTable.release(limit)
    else
      socket.once('close', () => {
        limit.give()
        limitTable.release(limit)
      })
    return isAdmitted
  }
  return { isShared: true, admit }
}

/** What connections of one listener become. */
class ConnectionEntrances {
  readonly #entry: ListenerEntry
  readonly #context: ProxyContext
  /** For all connections that are told apart by their requests alone. */
  readonly #shared: ConnectionHandler

  constructor(entry: ListenerEntry, context: ProxyContext) {
    this.#entry = entry
    this.#context = context
    this.#shared = this.#newHandler({ original: undefined })
  }

  readonly handlerFor = (socket: Socket, peer?: TlsPeer): ServerHandler | undefined => {
    this.#entry.wake()
    const original = this.#originalOf(socket)
    return original || peer ? this.#newHandler({ original, tls: peer }) : this.#shared
  }

  readonly enter = (socket: Socket, onClosed: () => void): HttpConnection =>
    this.#enterStream(socket, { original: this.#originalOf(socket) }, onClosed)

  /** First it has to be seen whether it is another sidecar. */
  readonly enterMesh = (socket: Socket, onClosed: () => void): HttpConnection => {
    const original = this.#originalOf(socket)
    const opaque = mayBeOpaque(this.#entry)
    const { settings, coarseWheel: wheel, wheel: fine, events, meshEntrance } = this.#context
    return new MeshEntrance(socket, {
      mode: mutualTlsModeAt(this.#entry.listener.mutualTls, original?.port),
      mayBeOpaque: opaque,
      silenceMs: opaque ? settings.detectTimeoutMs : 0,
      openTls: () => meshEntrance.open(),
      wheel: opaque ? fine : wheel,
      enterPlain: (plain, closed) =>
        opaque ? this.#enterStream(plain, { original }, closed) : this.#enterHttp(plain, { original, closed }),
      enterSecure: (secure, peer, closed) =>
        opaque && peer.protocol === ''
          ? this.#enterStream(secure, { original, tls: peer }, closed)
          : this.#enterHttp(secure, { original, tls: peer, closed }),
      onHandshakeFailed: (detail) => events.onMalformed(this.#entry.name, 'client_tls_failed', detail),
      onClosed,
    })
  }

  readonly enterTunnel = (socket: Socket, early: Buffer, onClosed: () => void): HttpConnection => {
    const { http1: limits, coarseWheel: wheel } = this.#context
    return new ConnectEntrance(socket, early, {
      limits,
      wheel,
      openTunnel: (plain, original, tunnel) => this.#enterStream(plain, { original, tunnel }, onClosed),
      onMalformed: (code, detail) => tellMalformed(this.#context, this.#entry.name, code, detail),
      onClosed,
    })
  }

  #enterStream(socket: Socket, from: StreamOrigin, onClosed: () => void): HttpConnection {
    const { http1, http2, coarseWheel: wheel } = this.#context
    const { original, tls } = from
    const handler = original || tls ? this.#newHandler({ original, tls, isInside: true }) : this.#shared
    const http = { handler, http1, http2, wheel, protocol: '', onClosed }
    return new StreamEntrance(socket, {
      entry: this.#entry,
      ...from,
      context: this.#context,
      enterHttp: (plain, early) => {
        const entrance = new HttpEntrance(plain, http)
        if (early) giveBytes(plain, early)
        return entrance
      },
      onClosed,
    })
  }

  #enterHttp(socket: Socket, { original, tls, closed }: HandlerOrigin & { closed: () => void }): HttpConnection {
    this.#entry.wake()
    const { http1, http2, coarseWheel: wheel } = this.#context
    const handler = original || tls ? this.#newHandler({ original, tls }) : this.#shared
    return new HttpEntrance(socket, { handler, http1, http2, wheel, protocol: tls?.protocol ?? '', onClosed: closed })
  }

  #newHandler({ original, tls, isInside = false }: HandlerOrigin): ConnectionHandler {
    const { listener } = this.#entry
    const road = listener.direction === 'inbound' ? inbound : outbound
    const entrance = { listener: this.#entry, original, ...(tls ? { tls } : {}) }
    const mayTunnel = listener.target.type === 'on-demand' && !isInside
    return new ConnectionHandler(
      { context: this.#context, road, entrance },
      mayTunnel ? (tunnel, target) => this.#enterStreamOf(tunnel, target) : undefined,
    )
  }

  /** A stream of an HTTP/2 connection, which sees to its end. */
  #enterStreamOf(tunnel: TunnelSocket, original: HostPort): void {
    this.#enterStream(tunnel.asSocket, { original, tunnel }, () => undefined)
  }

  #originalOf(socket: Socket): HostPort | undefined {
    return this.#entry.listener.isRedirected ? this.#context.originalOf(socket) : undefined
  }
}
