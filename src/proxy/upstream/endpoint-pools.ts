/** The pools of one endpoint: one for each protocol that is spoken to it. */
import type { SessionTickets } from '#/proxy/tls/tls-exit.ts'
import type { EndpointPool, HttpVersion } from './endpoint-pool.ts'

export interface EndpointPoolsOptions {
  newPool: (version: HttpVersion) => EndpointPool
  tickets: SessionTickets
  /** Who answers there by mutual TLS; empty for plain connections. */
  peerId: string
}

export class EndpointPools {
  readonly tickets: SessionTickets
  readonly peerId: string
  readonly #newPool: (version: HttpVersion) => EndpointPool
  #http1: EndpointPool | undefined
  #http2: EndpointPool | undefined
  #isDraining = false

  constructor({ newPool, tickets, peerId }: EndpointPoolsOptions) {
    this.#newPool = newPool
    this.tickets = tickets
    this.peerId = peerId
  }

  of(version: HttpVersion): EndpointPool {
    if (version === 'http1') {
      this.#http1 ??= this.#make(version)
      return this.#http1
    }
    this.#http2 ??= this.#make(version)
    return this.#http2
  }

  /** Connections. */
  get open(): number {
    return (this.#http1?.open ?? 0) + (this.#http2?.open ?? 0)
  }

  /** Those that are being made among them. */
  get connections(): number {
    return (this.#http1?.connections ?? 0) + (this.#http2?.connections ?? 0)
  }

  /** Requests that wait and for whom no connection is on its way. */
  get unserved(): number {
    return Math.max(0, this.#http1?.unserved ?? 0) + Math.max(0, this.#http2?.unserved ?? 0)
  }

  /** Requests that wait for one. */
  get waiting(): number {
    return (this.#http1?.waiting ?? 0) + (this.#http2?.waiting ?? 0)
  }

  drain(): void {
    this.#isDraining = true
    this.#http1?.drain()
    this.#http2?.drain()
  }

  #make(version: HttpVersion): EndpointPool {
    const pool = this.#newPool(version)
    // A request that still holds a retired cluster or a removed endpoint is served; its connection is not kept.
    if (this.#isDraining) pool.drain()
    return pool
  }
}
