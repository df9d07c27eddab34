/**
 * The bound listeners, following the configuration. An address that can't be bound is a fault of that listener alone: it
 * stands in the status and the log, and is tried again.
 */
import type { ProxyContext } from '#/proxy/proxy-context.ts'
import { DatagramListener } from '#/proxy/stream/datagram-listener.ts'
import type { ListenerEntry } from '#/proxy/table/listener-table.ts'
import type { TlsEntrance } from '#/proxy/tls/tls-entrance.ts'
import { openTlsEntrance } from '#/proxy/tls/tls-entrance.ts'
import { Backoff } from '#/std/backoff.ts'
import type { Timer } from '#/std/clock.ts'
import type { HostPort } from '#/std/host-port.ts'
import { formatHostPort } from '#/std/host-port.ts'
import { BoundListener } from './bound-listener.ts'
import { prepareOriginalDestination } from './original-destination.ts'
import { mayBeOpaque, newTcpListener } from './tcp-listener.ts'

type Bound = BoundListener | DatagramListener

/** A listener that is wanted, bound or not. */
interface Binding {
  entry: ListenerEntry
  /** As configured, by which a change is seen. */
  key: string
  /** The same of its TLS, which changes in place. */
  tlsKey: string
  bound: Bound | undefined
  tls: TlsEntrance | undefined
  fault: string
  backoff: Backoff
  retry: Timer | undefined
}

export interface ListenerStatus {
  name: string
  address: string
  isBound: boolean
  /** Why it is not bound; empty when it is. */
  fault: string
  connections: number
}

export class ListenerSet {
  readonly #context: ProxyContext
  readonly #bindings = new Map<string, Binding>()
  /** Taken out of the configuration, with connections still. */
  readonly #leaving = new Set<Bound>()
  #isStopped = false

  constructor(context: ProxyContext) {
    this.#context = context
  }

  /** Every listener that is wanted takes connections. */
  get isBound(): boolean {
    for (const { bound } of this.#bindings.values()) if (!bound?.address) return false
    return true
  }

  get status(): ListenerStatus[] {
    return [...this.#bindings.values()].map(({ entry, bound, fault }) => ({
      name: entry.name,
      address: formatHostPort(bound?.address ?? entry.listener.address!),
      isBound: bound?.address !== undefined,
      fault: fault || entry.trouble,
      connections: bound?.connections ?? 0,
    }))
  }

  /** Requests under way. */
  get active(): number {
    let count = 0
    for (const bound of this.#all()) count += bound.active
    return count
  }

  /** Whether the address is where this proxy takes calls of its application. */
  isOutbound({ host, port }: HostPort, isLocal: boolean): boolean {
    for (const { entry, bound } of this.#bindings.values()) {
      const address = bound?.address
      if (entry.listener.direction !== 'outbound' || address?.port !== port) continue
      if (address.host === host || (isLocal && (address.host === '0.0.0.0' || address.host === '::'))) return true
    }
    return false
  }

  /** Binds what is new, moves what has a new address. What listens goes on meanwhile. */
  apply(entry: ListenerEntry): void {
    if (this.#isStopped) return
    const { listener } = entry
    const key = `${formatHostPort(listener.address!)} ${listener.direction} ${mayBeOpaque(entry)} ${listener.protocol === 'udp'} ${listener.isRedirected} ${listener.acceptsProxyProtocol} ${listener.tls !== undefined} ${listener.mutualTls !== undefined}`
    const tlsKey = JSON.stringify(listener.tls) ?? ''
    const before = this.#bindings.get(entry.name)
    if (before?.key === key && before.entry === entry) {
      if (before.tlsKey !== tlsKey) void this.#changeTls(before, tlsKey)
      return
    }
    const binding: Binding = {
      entry,
      key,
      tlsKey,
      bound: undefined,
      tls: undefined,
      fault: '',
      backoff: new Backoff({ initialMs: 200, maxMs: 5000, random: this.#context.random }),
      retry: undefined,
    }
    this.#bindings.set(entry.name, binding)
    if (before) this.#leave(before)
    void this.#bind(binding)
  }

  remove(name: string): void {
    const binding = this.#bindings.get(name)
    if (!binding) return
    this.#bindings.delete(name)
    this.#leave(binding)
  }

  stopAccepting(direction: 'inbound' | 'outbound'): void {
    for (const { entry, bound } of this.#bindings.values())
      if (entry.listener.direction === direction) bound?.stopAccepting()
  }

  drain(direction: 'inbound' | 'outbound'): void {
    for (const { entry, bound } of this.#bindings.values()) if (entry.listener.direction === direction) bound?.drain()
  }

  destroy(): void {
    this.#isStopped = true
    for (const { retry } of this.#bindings.values()) retry?.cancel()
    for (const bound of this.#all()) bound.destroy()
  }

  #all(): Bound[] {
    const bound = [...this.#bindings.values()].flatMap((binding) => binding.bound ?? [])
    return [...bound, ...this.#leaving]
  }

  #leave({ bound, retry, tls }: Binding): void {
    retry?.cancel()
    tls?.close()
    if (!bound) return
    bound.stopAccepting()
    bound.drain()
    // Nobody waits for the end of a session of datagrams: it has none.
    if (bound instanceof DatagramListener) bound.destroy()
    else if (bound.connections > 0) this.#leaving.add(bound)
  }

  async #bind(binding: Binding): Promise<void> {
    const { entry } = binding
    const { clock, log } = this.#context
    const address = formatHostPort(entry.listener.address!)
    const { tlsKey } = binding
    try {
      if (entry.listener.isRedirected) prepareOriginalDestination()
      binding.tls ??= await this.#openTls(entry)
      binding.bound = this.#newBound(binding)
      await binding.bound.bind()
      binding.fault = ''
      if (this.#bindings.get(entry.name) !== binding || this.#isStopped) {
        binding.bound.destroy()
        return
      }
      if (binding.tlsKey !== tlsKey) void this.#changeTls(binding, binding.tlsKey)
      log.info('listening', { listener: entry.name, address: formatHostPort(binding.bound.address!) })
    } catch (error) {
      binding.bound = undefined
      binding.fault = error instanceof Error ? error.message : String(error)
      if (this.#bindings.get(entry.name) !== binding || this.#isStopped) return
      log.error('can not listen; trying again', { listener: entry.name, address, fault: binding.fault })
      binding.retry = clock.after(binding.backoff.next(), () => void this.#bind(binding), true)
    }
  }

  /** Connections that there are go on under the old one. */
  async #changeTls(binding: Binding, tlsKey: string): Promise<void> {
    const { entry, bound } = binding
    binding.tlsKey = tlsKey
    // What is not bound yet reads it when it is.
    if (!bound) return
    try {
      const tls = await this.#openTls(entry)
      if (!tls || binding.tlsKey !== tlsKey || this.#bindings.get(entry.name) !== binding) {
        tls?.close()
        return
      }
      binding.tls?.close()
      binding.tls = tls
      if (bound instanceof BoundListener) bound.changeTls(tls)
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error)
      this.#context.log.error('a changed TLS context can not be used; the one before stays', {
        listener: entry.name,
        fault,
      })
    }
  }

  async #openTls({ listener }: ListenerEntry): Promise<TlsEntrance | undefined> {
    if (!listener.tls) return undefined
    const { certificates, settings } = this.#context
    const handshakeTimeoutMs = settings.requestHeaderTimeoutMs
    return await openTlsEntrance({ tls: listener.tls, watch: certificates, handshakeTimeoutMs })
  }

  #newBound({ entry, tls }: Binding): Bound {
    if (entry.listener.protocol === 'udp') return new DatagramListener(entry, this.#context)
    const bound: BoundListener = newTcpListener({
      entry,
      tls,
      context: this.#context,
      onConnectionClosed: () => {
        if (bound.connections === 0) this.#leaving.delete(bound)
      },
    })
    return bound
  }
}
