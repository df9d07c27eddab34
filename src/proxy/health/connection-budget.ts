/**
 * How many connections a cluster's endpoints have together, and how many requests wait for one. Added up when a connection is to be
 * made or a request to wait, which is rare beside requests: so no count can go astray.
 *
 * Of several event loops each has its part of the limit.
 */
import type { BreakerLimits } from '#/model/breaking.ts'
import type { EndpointSlot } from '#/proxy/balance/endpoint-slot.ts'
import type { LimitTable, SharedLimit } from '#/proxy/thread/limit-table.ts'

/** Of one endpoint. */
export interface PoolCount {
  /** Connections that are open or on their way. */
  readonly connections: number
  /** Requests that wait and for whom no connection is on its way. */
  readonly unserved: number
}

export interface BudgetOptions {
  cluster: string
  table?: LimitTable | undefined
  owner: { readonly slots: Iterable<EndpointSlot<PoolCount>> }
}

export class ConnectionBudget {
  readonly #options: BudgetOptions
  readonly #limits: BreakerLimits
  readonly #part: SharedLimit | undefined

  constructor(limits: BreakerLimits, options: BudgetOptions) {
    this.#limits = limits
    this.#options = options
    this.#part = options.table?.open(`${options.cluster} connections`)
  }

  /** @param own connections of the endpoint; one without any gets one, or its requests would wait for others' to end. */
  mayOpen(own: number): boolean {
    const { connectionsMax } = this.#limits
    if (connectionsMax === undefined || own === 0) return true
    let sum = 0
    for (const { attachment } of this.#options.owner.slots) sum += attachment?.connections ?? 0
    return sum < this.#partOf(connectionsMax)
  }

  mayWait(): boolean {
    const { pendingMax } = this.#limits
    if (pendingMax === undefined) return true
    let sum = 0
    for (const { attachment } of this.#options.owner.slots) sum += Math.max(0, attachment?.unserved ?? 0)
    return sum < this.#partOf(pendingMax)
  }

  close(): void {
    if (this.#part) this.#options.table?.release(this.#part)
  }

  #partOf(max: number): number {
    return this.#part?.part(max) ?? max
  }
}
