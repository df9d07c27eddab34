/** A cluster in use: its endpoints, who of them is next, and the connections to each. Updated in place. */

import type { RequestHead } from '#/codec/message.ts'
import type { Cluster } from '#/model/cluster.ts'
import type { Endpoint } from '#/model/endpoint.ts'
import type { Balancer } from '#/proxy/balance/balancer.ts'
import { createBalancer } from '#/proxy/balance/balancer.ts'
import { EndpointSlot } from '#/proxy/balance/endpoint-slot.ts'
import { ClusterGuard } from '#/proxy/health/cluster-guard.ts'
import { formatProxyHeader } from '#/proxy/stream/proxy-header.ts'
import { expectHost, expectPeer } from '#/proxy/tls/mesh-tls.ts'
import { type PeerExpectation, type SessionTickets, TlsExit } from '#/proxy/tls/tls-exit.ts'
import type { HostPort } from '#/std/host-port.ts'
import { formatHostPort } from '#/std/host-port.ts'
import type { HttpVersion } from './endpoint-pool.ts'
import { EndpointPool } from './endpoint-pool.ts'
import { EndpointPools } from './endpoint-pools.ts'
import type { UpstreamContext } from './upstream-context.ts'

export type UpstreamSlot = EndpointSlot<EndpointPools>

export class UpstreamCluster {
  readonly name: string
  readonly #context: UpstreamContext
  #model: Cluster
  #endpoints: readonly Endpoint[] = []
  #balancer: Balancer<EndpointPools>
  /** Endpoints that requests bring with them, the one used last at the end. */
  readonly #dynamic = new Map<string, UpstreamSlot>()
  #tls: TlsExit | undefined
  /** Limits, and who of the endpoints is trusted. */
  readonly guard: ClusterGuard
  #isRetired = false

  constructor(model: Cluster, context: UpstreamContext) {
    this.name = model.name
    this.#model = model
    this.#context = context
    this.#tls = model.tls && new TlsExit(model.tls, context.certificates)
    this.#balancer = createBalancer<EndpointPools>(model.loadBalancing, context.random, context.clock)
    this.guard = new ClusterGuard(context, this)
    this.#takeListed(model)
    this.guard.update(model)
  }

  get model(): Cluster {
    return this.#model
  }

  /** To one of its endpoints; undefined for plain connections. What the cluster says of TLS goes before what the mesh does by itself. */
  tlsTo({ tls }: Endpoint): TlsExit | undefined {
    return this.#tls ?? (tls ? this.#context.mesh : undefined)
  }

  /** Who answers there by mutual TLS of the mesh; empty otherwise. */
  principalOf(endpoint: Endpoint): string {
    return this.tlsTo(endpoint)?.model.isMesh ? peerIdOf(endpoint) : ''
  }

  /** Who has to answer there, where the cluster does not say it for all endpoints alike. */
  peerAt(endpoint: Endpoint, isStream: boolean): PeerExpectation | undefined {
    const tls = this.tlsTo(endpoint)?.model
    if (tls?.isMesh) return expectPeer(endpoint, isStream)
    return tls && this.isDynamic ? expectHost(tls, endpoint.address) : undefined
  }

  /** The endpoint is told by the request, not by configuration. */
  get isDynamic(): boolean {
    const { type } = this.#model.discovery
    return type === 'dynamic' || type === 'original-destination'
  }

  /** Every endpoint that there is, for the admin endpoint. */
  get slots(): UpstreamSlot[] {
    return [...this.#balancer.slots.values(), ...this.#dynamic.values()]
  }

  /** How many endpoints there are to choose from. */
  get size(): number {
    return this.#balancer.size
  }

  update(model: Cluster): void {
    const before = this.#model
    this.#model = model
    if (model.loadBalancing !== before.loadBalancing) this.#replaceBalancer()
    const hasOtherTls = JSON.stringify(model.tls) !== JSON.stringify(before.tls)
    if (hasOtherTls) {
      this.#tls?.close()
      this.#tls = model.tls && new TlsExit(model.tls, this.#context.certificates)
    }
    const hasOtherTime = model.connectTimeoutMs !== before.connectTimeoutMs
    // Pools keep what they were made with; they are replaced with their connections.
    if (
      hasOtherTls ||
      hasOtherTime ||
      model.protocol !== before.protocol ||
      model.proxyProtocol !== before.proxyProtocol
    ) {
      for (const slot of this.slots) this.#dropPools(slot)
    }
    this.#takeListed(model)
    this.guard.update(model)
  }

  setEndpoints(endpoints: readonly Endpoint[]): void {
    this.#endpoints = endpoints
    const { removed } = this.#balancer.update(endpoints)
    for (const slot of removed) this.#dropPools(slot)
    this.guard.watch()
    // Whoever answers there is somebody else now: pools keep what they were made with.
    for (const slot of this.#balancer.slots.values())
      if (slot.attachment && slot.attachment.peerId !== peerIdOf(slot.endpoint)) this.#dropPools(slot)
  }

  /** @param exclude endpoints that the request has tried. @param hash of its key; negative for none. */
  pick(exclude?: readonly UpstreamSlot[], hash = -1): UpstreamSlot | undefined {
    return (this.guard.takeProbe(exclude) as UpstreamSlot | undefined) ?? this.#balancer.pick(exclude, hash)
  }

  /** Who is ejected has changed. */
  refresh(panicPercent: number): void {
    this.#balancer.refresh(panicPercent)
  }

  /** The endpoint for an address that a request brought. */
  slotFor(target: HostPort): UpstreamSlot {
    const key = formatHostPort(target)
    let slot = this.#dynamic.get(key)
    // Taken out and put in again: a Map keeps the order of insertion.
    if (slot) this.#dynamic.delete(key)
    else slot = new EndpointSlot(bareEndpoint(target))
    this.#dynamic.set(key, slot)
    if (this.#dynamic.size > this.#context.limits.dynamicHostsMax) this.#evictOldest()
    return slot
  }

  /** By which the next handshake with the endpoint is shorter, be it for requests or for opaque bytes. */
  ticketsOf(slot: UpstreamSlot): SessionTickets {
    slot.attachment ??= this.#newPools(slot)
    return slot.attachment.tickets
  }

  poolOf(slot: UpstreamSlot, head: RequestHead): EndpointPool {
    slot.attachment ??= this.#newPools(slot)
    return slot.attachment.of(this.#versionFor(head, slot.endpoint))
  }

  /** Nobody routes here any more: idle connections close, requests under way finish. */
  retire(): void {
    this.#isRetired = true
    for (const slot of this.slots) slot.attachment?.drain()
    this.#tls?.close()
    this.guard.close()
  }

  /** With ALPN the version is agreed on by each connection, so that one pool serves all requests. */
  #versionFor({ version, upgrade }: RequestHead, endpoint: Endpoint): HttpVersion {
    const { protocol } = this.#model
    const tls = this.tlsTo(endpoint)?.model
    if (tls?.isMesh) return 'http1'
    if (protocol !== 'downstream') return protocol
    if (tls && tls.alpn.length > 0) return 'http1'
    // Whoever takes an upgrade takes that of HTTP/1.1; few know the one of HTTP/2 (RFC 8441).
    return version === 'HTTP/2' && upgrade === '' ? 'http2' : 'http1'
  }

  #newPools(slot: UpstreamSlot): EndpointPools {
    const { address, port } = slot.endpoint
    const { discovery, connectTimeoutMs, proxyProtocol } = this.#model
    const tls = this.tlsTo(slot.endpoint)
    const tickets: SessionTickets = []
    const options = {
      target: { host: address, port },
      cluster: this.name,
      connectTimeoutMs: Math.min(connectTimeoutMs, this.#context.limits.connectTimeoutMs),
      mayLoop: discovery.type !== 'eds' && discovery.type !== 'static',
      tls,
      peer: this.peerAt(slot.endpoint, false),
      tickets,
      budget: () => this.guard.budget,
      // They carry the requests of many clients, whom `x-forwarded-for` names.
      preamble: proxyProtocol && formatProxyHeader(proxyProtocol, undefined),
      ...(this.isDynamic ? { onEmpty: () => this.#forgetIdle(slot) } : {}),
    }
    const newPool = (version: HttpVersion): EndpointPool => new EndpointPool({ ...options, version }, this.#context)
    const pools = new EndpointPools({ newPool, tickets, peerId: peerIdOf(slot.endpoint) })
    if (this.#isRetired || slot.isRemoved) pools.drain()
    return pools
  }

  #dropPools(slot: UpstreamSlot): void {
    const pools = slot.attachment
    slot.attachment = undefined
    pools?.drain()
  }

  #takeListed(model: Cluster): void {
    const { discovery } = model
    if (discovery.type === 'static' || discovery.type === 'dns') this.setEndpoints(discovery.endpoints)
  }

  #replaceBalancer(): void {
    const before = this.#balancer.slots
    const { random, clock } = this.#context
    this.#balancer = createBalancer<EndpointPools>(this.#model.loadBalancing, random, clock)
    this.#balancer.update(this.#endpoints)
    for (const [key, slot] of this.#balancer.slots) {
      const old = before.get(key)
      slot.attachment = old?.attachment
      slot.health = old?.health
      slot.isEjected = old?.isEjected ?? false
    }
  }

  #forgetIdle(slot: UpstreamSlot): void {
    const pools = slot.attachment
    if (slot.active > 0 || (pools && pools.open + pools.waiting > 0)) return
    if (this.#dynamic.get(slot.key) === slot) this.#dynamic.delete(slot.key)
  }

  #evictOldest(): void {
    const oldest = this.#dynamic.values().next().value!
    this.#dynamic.delete(oldest.key)
    oldest.attachment?.drain()
  }
}

function peerIdOf({ tls }: Endpoint): string {
  return tls?.spiffeId ?? ''
}

function bareEndpoint({ host, port }: HostPort): Endpoint {
  return { address: host, port, health: 'healthy', weight: 1, isMeshed: false }
}
