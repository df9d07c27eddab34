/**
 * Which endpoints a balancer chooses from. Slots of endpoints that stay keep their identity, counters and order; new ones
 * come behind them.
 *
 * Healthy endpoints first. Draining ones only when nothing is healthy: they still answer and would rather not, but a
 * request that they take is better than one refused, as kube-proxy does with terminating endpoints (KEP-1669).
 * Ejected ones are left out, unless so many are that their number speaks against the ejections (`panicPercent`).
 * Unhealthy ones never: not-ready pods have said themselves that they can't serve.
 */
import type { Endpoint } from '#/model/endpoint.ts'
import { EndpointSlot, slotKey } from './endpoint-slot.ts'

export interface SlotChange<Attachment> {
  added: readonly EndpointSlot<Attachment>[]
  /** Their connections should drain. */
  removed: readonly EndpointSlot<Attachment>[]
}

export class SlotTable<Attachment> {
  #slots = new Map<string, EndpointSlot<Attachment>>()
  #choices: readonly EndpointSlot<Attachment>[] = []
  #hasEqualWeights = true
  #panicPercent = 50

  /** Every endpoint, also those that are not chosen from. */
  get slots(): ReadonlyMap<string, EndpointSlot<Attachment>> {
    return this.#slots
  }

  /** Those to choose from, in a stable order. */
  get choices(): readonly EndpointSlot<Attachment>[] {
    return this.#choices
  }

  get hasEqualWeights(): boolean {
    return this.#hasEqualWeights
  }

  /** Of several endpoints with one address and port the first counts. */
  update(endpoints: readonly Endpoint[]): SlotChange<Attachment> {
    const wanted = new Map<string, Endpoint>()
    for (const endpoint of endpoints) {
      const key = slotKey(endpoint)
      if (!wanted.has(key)) wanted.set(key, endpoint)
    }
    const slots = new Map<string, EndpointSlot<Attachment>>()
    const removed: EndpointSlot<Attachment>[] = []
    for (const [key, slot] of this.#slots) {
      const endpoint = wanted.get(key)
      if (endpoint) {
        slot.endpoint = endpoint
        slots.set(key, slot)
      } else {
        slot.isRemoved = true
        removed.push(slot)
      }
    }
    const added: EndpointSlot<Attachment>[] = []
    for (const [key, endpoint] of wanted) {
      if (slots.has(key)) continue
      const slot = new EndpointSlot<Attachment>(endpoint)
      slots.set(key, slot)
      added.push(slot)
    }
    this.#slots = slots
    this.#choose()
    return { added, removed }
  }

  /** Looks anew at who is ejected. @param panicPercent as in the cluster. */
  refresh(panicPercent: number): void {
    this.#panicPercent = panicPercent
    this.#choose()
  }

  #choose(): void {
    const all = [...this.#slots.values()]
    const healthy = all.filter(({ endpoint }) => endpoint.health === 'healthy')
    this.#choices =
      healthy.length > 0
        ? trusted(healthy, this.#panicPercent)
        : all.filter(({ endpoint }) => endpoint.health === 'draining')
    const weight = this.#choices[0]?.endpoint.weight
    this.#hasEqualWeights = this.#choices.every(({ endpoint }) => endpoint.weight === weight)
  }
}

function trusted<Attachment>(
  slots: readonly EndpointSlot<Attachment>[],
  panicPercent: number,
): readonly EndpointSlot<Attachment>[] {
  const kept = slots.filter(({ isEjected }) => !isEjected)
  return kept.length * 100 < panicPercent * slots.length ? slots : kept
}
