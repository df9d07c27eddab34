/**
 * One destination that an application called, as `host:port`.
 *
 *   waiting ──listener, routes, clusters, endpoints are there──▶ ready
 *      └──the control plane does not know the name──▶ missing ──it appears──▶ ready
 */
import type { Log } from '#/std/log.ts'
import type { ResourceSource, Subscription } from '#/xds/fetch/resource-source.ts'
import type { ClusterRegistry } from './cluster-registry.ts'
import type { RouteRegistry } from './route-registry.ts'
import { RouteTarget } from './route-target.ts'
import type { WarmRoutes } from './warm-routes.ts'

export type DestinationState = 'waiting' | 'ready' | 'missing'

/** Waits for a destination to leave the state `waiting`. */
export interface DestinationWaiter {
  onDestination(destination: Destination): void
}

export interface DestinationOptions {
  name: string
  source: ResourceSource
  routes: RouteRegistry
  clusters: ClusterRegistry
  log: Log
}

export class Destination {
  readonly name: string
  /** Clock.monotonicMs of the last request. */
  usedMs = 0
  /** Since when it is missing. */
  missingMs = 0
  /** Given up: ask the table again. */
  isForgotten = false
  readonly #target: RouteTarget
  readonly #subscription: Subscription
  readonly #waiters = new Set<DestinationWaiter>()
  #hasListener = false
  #isUnknown = false

  constructor({ name, source, routes, clusters, log }: DestinationOptions) {
    this.name = name
    this.#target = new RouteTarget({ routes, clusters, log, onChange: () => this.#changed() })
    this.#subscription = source.subscribe('listener', name, {
      onResource: (_canonical, { target }) => {
        this.#isUnknown = target.type !== 'routes'
        this.#hasListener = target.type === 'routes'
        if (target.type === 'routes') this.#target.set(target.routes)
        this.#changed()
      },
      onMissing: () => {
        this.#isUnknown = true
        this.#hasListener = false
        this.#changed()
      },
    })
  }

  get state(): DestinationState {
    if (this.#isUnknown) return 'missing'
    if (this.#target.current) return 'ready'
    return this.#hasListener && this.#target.isHopeless ? 'missing' : 'waiting'
  }

  /** In force; defined when ready. */
  get current(): WarmRoutes | undefined {
    return this.#isUnknown ? undefined : this.#target.current
  }

  get trouble(): string {
    return this.#isUnknown ? 'the control plane does not know this name' : this.#target.trouble
  }

  get waiting(): number {
    return this.#waiters.size
  }

  /** Only while `waiting`. */
  wait(waiter: DestinationWaiter): void {
    this.#waiters.add(waiter)
  }

  stopWaiting(waiter: DestinationWaiter): void {
    this.#waiters.delete(waiter)
  }

  close(): void {
    this.isForgotten = true
    this.#subscription.cancel()
    this.#target.close()
  }

  #changed(): void {
    if (this.isForgotten || this.state === 'waiting') return
    for (const waiter of [...this.#waiters]) {
      this.#waiters.delete(waiter)
      waiter.onDestination(this)
    }
  }
}
