/** What one event loop wants of the xDS stream, held on its behalf in the main thread. The client merges what several want. */
import type { ResourceSource, Subscription } from '#/xds/fetch/resource-source.ts'
import type { LoopOrder, LoopReport } from './loop-message.ts'

export class LoopSubscriptions {
  readonly #source: ResourceSource
  readonly #order: (order: LoopOrder) => void
  readonly #subscriptions = new Map<number, Subscription>()

  constructor(source: ResourceSource, order: (order: LoopOrder) => void) {
    this.#source = source
    this.#order = order
  }

  add({ id, kind, name }: Extract<LoopReport, { type: 'subscribe' }>): void {
    const subscription = this.#source.subscribe(kind, name, {
      onResource: (canonical, value) => this.#order({ type: 'resource', id, name: canonical, value }),
      onMissing: (canonical) => this.#order({ type: 'missing', id, name: canonical }),
      onSynced: () => this.#order({ type: 'synced', id }),
    })
    this.#subscriptions.set(id, subscription)
  }

  cancel(id: number): void {
    this.#subscriptions.get(id)?.cancel()
    this.#subscriptions.delete(id)
  }

  close(): void {
    for (const subscription of this.#subscriptions.values()) subscription.cancel()
    this.#subscriptions.clear()
  }
}
