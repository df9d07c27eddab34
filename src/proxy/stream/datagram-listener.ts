/**
 * Datagrams forwarded by Service. A client's address is a session: its first datagram picks an endpoint, and what that answers
 * goes back to the client, until nothing has moved for a while (as Envoy's udp_proxy has it).
 */
import type { RemoteInfo, Socket } from 'node:dgram'
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { WheelTimer } from '#/codec/timer-wheel.ts'
import type { ProxyContext } from '#/proxy/proxy-context.ts'
import type { ListenerEntry } from '#/proxy/table/listener-table.ts'
import type { UpstreamSlot } from '#/proxy/upstream/upstream-cluster.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import { errorCodes } from '#/std/errors.ts'
import type { HostPort } from '#/std/host-port.ts'
import type { StreamRecord } from './stream-record.ts'
import { drawBackend, findStreamRoute } from './stream-table.ts'

interface Session {
  readonly key: string
  readonly record: StreamRecord
  readonly slot: UpstreamSlot
  readonly socket: Socket
  readonly idle: WheelTimer
  movedBytes: number
}

export class DatagramListener {
  readonly #entry: ListenerEntry
  readonly #context: ProxyContext
  readonly #socket: Socket
  /** By the client's address, the one that began first in front. */
  readonly #sessions = new Map<string, Session>()
  #isBound = false
  #isDraining = false

  constructor(entry: ListenerEntry, context: ProxyContext) {
    this.#entry = entry
    this.#context = context
    const { host } = entry.listener.address!
    const type = isIPv6(host) ? 'udp6' : 'udp4'
    // Among several event loops the system gives all datagrams of a client to one (SO_REUSEPORT).
    this.#socket = createSocket({ type, reusePort: context.limitTable !== undefined })
    this.#socket.on('message', (bytes, client) => this.#onDatagram(bytes, client))
  }

  get connections(): number {
    return this.#sessions.size
  }

  /** A session has no end of its own, so that none is waited for. */
  get active(): number {
    return 0
  }

  /** Where it really listens; defined after `bind`. */
  get address(): HostPort | undefined {
    if (!this.#isBound) return undefined
    const { address, port } = this.#socket.address()
    return { host: address, port }
  }

  /** @returns rejects with the system's error (EADDRINUSE, EACCES, EADDRNOTAVAIL). */
  bind(): Promise<void> {
    const { host, port } = this.#entry.listener.address!
    return new Promise((resolve, reject) => {
      this.#socket.once('error', reject)
      this.#socket.bind(port, host, () => {
        this.#isBound = true
        this.#socket.removeListener('error', reject)
        this.#socket.on('error', (error) =>
          this.#context.log.error('a listener failed', { listener: this.#entry.name, fault: error.message }),
        )
        resolve()
      })
    })
  }

  /** Clients that have a session keep it; others are not heard. */
  stopAccepting(): void {
    this.#isDraining = true
  }

  drain(): void {
    this.#isDraining = true
  }

  destroy(): void {
    this.#isDraining = true
    for (const session of [...this.#sessions.values()]) this.#end(session, '', '')
    if (this.#isBound) this.#socket.close()
    this.#isBound = false
  }

  #onDatagram(bytes: Buffer, client: RemoteInfo): void {
    const key = `${client.address} ${client.port}`
    const session = this.#sessions.get(key) ?? (this.#isDraining ? undefined : this.#begin(key, client))
    if (!session) return
    session.movedBytes += bytes.length
    session.record.receivedBytes += bytes.length
    const { address, port } = session.slot.endpoint
    session.socket.send(
      bytes,
      port,
      address,
      (error) => error && this.#end(session, 'upstream_connect_failed', error.message),
    )
  }

  #begin(key: string, client: RemoteInfo): Session | undefined {
    const record = this.#newRecord(client)
    this.#entry.wake()
    const slot = this.#pick(record)
    if (!slot) {
      this.#context.events.onStreamEnd?.(record)
      return undefined
    }
    const { wheel, events, settings } = this.#context
    // The oldest makes room: a client that sends from ever new ports must not fill memory.
    if (this.#sessions.size >= settings.datagramSessionsMax) {
      this.#end(this.#sessions.values().next().value!, 'upstream_overflow', 'too many sessions')
    }
    slot.acquire()
    record.endpoint = slot.endpoint
    record.attempts = 1
    if (record.direction === 'outbound') record.peer = slot.endpoint.workload
    const socket = createSocket(isIPv6(slot.endpoint.address) ? 'udp6' : 'udp4')
    const session: Session = {
      key,
      record,
      slot,
      socket,
      idle: new WheelTimer(() => this.#look(session)),
      movedBytes: 0,
    }
    this.#sessions.set(key, session)
    socket.on('message', (bytes, from) => this.#onAnswer(session, bytes, from, client))
    socket.on('error', (error) => this.#end(session, 'upstream_connect_failed', error.message))
    events.onConnection(this.#entry.name)
    events.onStreamOpen?.(record)
    wheel.set(session.idle, settings.datagramIdleMs)
    this.#watched.set(session, 0)
    return session
  }

  /** What had moved when it was looked at last. */
  readonly #watched = new WeakMap<Session, number>()

  #pick(record: StreamRecord): UpstreamSlot | undefined {
    const { streams } = this.#entry
    const fail = (code: ErrorCodeName, detail: string): undefined => {
      record.code = code
      record.detail = detail
      record.flags = errorCodes[code].flag
      return undefined
    }
    if (!streams) return fail('config_missing', this.#entry.trouble || 'its routes are not known yet')
    const route = findStreamRoute(streams.routes, { serverName: '', port: undefined })
    if (!route) return fail('route_not_found', 'no route takes this session')
    record.routeName = route.name
    const backend = drawBackend(route, this.#context.random)
    if (backend?.type !== 'cluster') return fail('invalid_backend', backend ? backend.reason : 'all weights are 0')
    const cluster = streams.clusters.get(backend.cluster)
    if (!cluster) return fail('cluster_not_found', `the control plane has no cluster ${backend.cluster}`)
    record.cluster = cluster.model
    return cluster.pick() ?? fail('no_healthy_upstream', `${cluster.name} has no ready endpoint`)
  }

  /** Whoever else sends to the session's port is not heard. */
  #onAnswer(session: Session, bytes: Buffer, from: RemoteInfo, client: RemoteInfo): void {
    const { address, port } = session.slot.endpoint
    if (from.port !== port || (from.address !== address && !address.endsWith(from.address))) return
    session.movedBytes += bytes.length
    session.record.sentBytes += bytes.length
    if (this.#isBound) this.#socket.send(bytes, client.port, client.address)
  }

  #look(session: Session): void {
    const { wheel, settings } = this.#context
    if (this.#watched.get(session) === session.movedBytes) {
      this.#end(session, '', '')
      return
    }
    this.#watched.set(session, session.movedBytes)
    wheel.set(session.idle, settings.datagramIdleMs)
  }

  #end(session: Session, code: ErrorCodeName | '', detail: string): void {
    if (this.#sessions.get(session.key) !== session) return
    this.#sessions.delete(session.key)
    const { wheel, clock, events } = this.#context
    wheel.cancel(session.idle)
    session.socket.close()
    session.slot.release(code !== '')
    const { record } = session
    record.code = code
    record.detail = detail
    record.flags = code === '' ? '-' : errorCodes[code].flag
    record.durationMs = clock.monotonicMs() - record.startMs
    events.onConnectionClosed(this.#entry.name)
    events.onStreamEnd?.(record)
  }

  #newRecord({ address }: RemoteInfo): StreamRecord {
    const { clock } = this.#context
    return {
      direction: this.#entry.listener.direction,
      startMs: clock.monotonicMs(),
      wallMs: clock.wallMs(),
      listener: this.#entry.name,
      remoteAddress: address,
      transport: 'udp',
      serverName: '',
      routeName: '',
      cluster: undefined,
      endpoint: undefined,
      peer: undefined,
      peerPrincipal: '',
      originalPort: 0,
      deniedBy: '',
      auditedBy: '',
      receivedBytes: 0,
      sentBytes: 0,
      code: '',
      detail: '',
      flags: '-',
      attempts: 0,
      durationMs: 0,
    }
  }
}
