/** A cluster in use: its endpoints, who of them is next, and the connections to each. Updated in place. */
import type { Cluster } from '#/model/cluster.ts'
import type { Endpoint } from '#/model/endpoint.ts'
import type { Balancer } from '#/proxy/balance/balancer.ts'
import { createBalancer } from '#/proxy/balance/balancer.ts'
import { EndpointSlot } from '#/proxy/balance/endpoint-slot.ts'
import type { HostPort } from '#/std/host-port.ts'
import { formatHostPort } from '#/std/host-port.ts'
import { EndpointPool } from './endpoint-pool.ts'
import type { UpstreamContext } from './upstream-context.ts'

export type UpstreamSlot = EndpointSlot<EndpointPool>

export class UpstreamCluster {
  readonly name: string
  readonly #context: UpstreamContext
  #model: Cluster
  #endpoints: readonly Endpoint[] = []
  #balancer: Balancer<EndpointPool>
  /** Endpoints that requests bring with them, the one used last at the end. */
  readonly #dynamic = new Map<string, UpstreamSlot>()
  #isRetired = false

  constructor(model: Cluster, context: UpstreamContext) {
    this.name = model.name
    this.#model = model
    this.#context = context
    this.#balancer = createBalancer<EndpointPool>(model.loadBalancing, context.random)
    this.#takeListed(model)
  }

  get model(): Cluster {
    return this.#model
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
    // Pools of before keep the time to connect that they were made with; they are replaced with their connections.
    if (model.connectTimeoutMs !== before.connectTimeoutMs) for (const slot of this.slots) this.#dropPool(slot)
    this.#takeListed(model)
  }

  setEndpoints(endpoints: readonly Endpoint[]): void {
    this.#endpoints = endpoints
    const { removed } = this.#balancer.update(endpoints)
    for (const slot of removed) this.#dropPool(slot)
  }

  /** @param exclude endpoints that the request has tried. */
  pick(exclude?: readonly UpstreamSlot[]): UpstreamSlot | undefined {
    return this.#balancer.pick(exclude)
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

  poolOf(slot: UpstreamSlot): EndpointPool {
    slot.attachment ??= this.#newPool(slot)
    return slot.attachment
  }

  /** Nobody routes here any more: idle connections close, requests under way finish. */
  retire(): void {
    this.#isRetired = true
    for (const slot of this.slots) slot.attachment?.drain()
  }

  #newPool(slot: UpstreamSlot): EndpointPool {
    const { address, port } = slot.endpoint
    const isListed = !this.isDynamic
    const pool = new EndpointPool(
      {
        target: { host: address, port },
        cluster: this.name,
        connectTimeoutMs: Math.min(this.#model.connectTimeoutMs, this.#context.limits.connectTimeoutMs),
        mayLoop: this.#model.discovery.type !== 'eds' && this.#model.discovery.type !== 'static',
        ...(isListed ? {} : { onEmpty: () => this.#forgetIdle(slot) }),
      },
      this.#context,
    )
    // A request that still holds a retired cluster or a removed endpoint is served; its connection is not kept.
    if (this.#isRetired || slot.isRemoved) pool.drain()
    return pool
  }

  #dropPool(slot: UpstreamSlot): void {
    const pool = slot.attachment
    slot.attachment = undefined
    pool?.drain()
  }

  #takeListed(model: Cluster): void {
    const { discovery } = model
    if (discovery.type === 'static' || discovery.type === 'dns') this.setEndpoints(discovery.endpoints)
  }

  #replaceBalancer(): void {
    const before = this.#balancer.slots
    this.#balancer = createBalancer<EndpointPool>(this.#model.loadBalancing, this.#context.random)
    this.#balancer.update(this.#endpoints)
    for (const [key, slot] of this.#balancer.slots) slot.attachment = before.get(key)?.attachment
  }

  #forgetIdle(slot: UpstreamSlot): void {
    if (slot.active === 0 && this.#dynamic.get(slot.key) === slot) this.#dynamic.delete(slot.key)
  }

  #evictOldest(): void {
    const oldest = this.#dynamic.values().next().value!
    this.#dynamic.delete(oldest.key)
    oldest.attachment?.drain()
  }
}

function bareEndpoint({ host, port }: HostPort): Endpoint {
  return { address: host, port, health: 'healthy', weight: 1, isMeshed: false }
}
