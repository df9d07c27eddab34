/** The resources of the one xDS stream, as an event loop's thread gets them from the main thread. */
import type { ResourceSource, ResourceWatcher, Subscription } from '#/xds/fetch/resource-source.ts'
import type { ResourceKind } from '#/xds/resources/resource.ts'
import type { LoopOrder, LoopReport } from './loop-message.ts'

export class RelayedSource implements ResourceSource {
  readonly #report: (report: LoopReport) => void
  readonly #watchers = new Map<number, ResourceWatcher<ResourceKind>>()
  #lastId = 0

  constructor(report: (report: LoopReport) => void) {
    this.#report = report
  }

  subscribe<K extends ResourceKind>(kind: K, name: string, watcher: ResourceWatcher<K>): Subscription {
    const id = ++this.#lastId
    // The main thread sends under this id what was asked for: resources of kind K.
    this.#watchers.set(id, watcher as unknown as ResourceWatcher<ResourceKind>)
    this.#report({ type: 'subscribe', id, kind, name })
    return { cancel: () => this.#cancel(id) }
  }

  /** What is still on its way to a watcher that has given up is for nobody. */
  take(order: Extract<LoopOrder, { type: 'resource' | 'missing' | 'synced' }>): void {
    const watcher = this.#watchers.get(order.id)
    if (order.type === 'resource') watcher?.onResource(order.name, order.value)
    else if (order.type === 'missing') watcher?.onMissing(order.name)
    else watcher?.onSynced?.()
  }

  #cancel(id: number): void {
    if (this.#watchers.delete(id)) this.#report({ type: 'cancel', id })
  }
}
