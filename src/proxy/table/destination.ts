/**
 * One destination that an application called, as `host:port`.
 *
 *   waiting ──listener, routes, clusters, endpoints are there──▶ ready
 *      └──the control plane does not know the name──▶ missing ──it appears──▶ ready
 */
import type { ListenerProtocol } from '#/model/listener.ts'
import type { WarmStreams } from '#/proxy/stream/stream-table.ts'
import type { Log } from '#/std/log.ts'
import type { ResourceSource, Subscription } from '#/xds/fetch/resource-source.ts'
import type { ClusterRegistry } from './cluster-registry.ts'
import type { RouteRegistry } from './route-registry.ts'
import { RouteTarget } from './route-target.ts'
import { StreamTarget } from './stream-target.ts'
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
  readonly #streams: StreamTarget
  readonly #subscription: Subscription
  readonly #waiters = new Set<DestinationWaiter>()
  #hasListener = false
  #takesRequests = false
  #protocol: ListenerProtocol = 'http'
  #isUnknown = false

  constructor({ name, source, routes, clusters, log }: DestinationOptions) {
    this.name = name
    this.#target = new RouteTarget({ routes, clusters, log, onChange: () => this.#changed() })
    this.#streams = new StreamTarget({ clusters, onChange: () => this.#changed() })
    this.#subscription = source.subscribe('listener', name, {
      onResource: (_canonical, { target, protocol = 'http', streams = [] }) => {
        this.#isUnknown = target.type === 'on-demand'
        this.#hasListener = !this.#isUnknown
        this.#takesRequests = target.type === 'routes'
        this.#protocol = protocol
        this.#streams.set(streams)
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
    if (!this.#hasListener || !this.#streams.isSettled) return 'waiting'
    if (!this.#takesRequests || this.#target.current) return 'ready'
    return this.#target.isHopeless ? 'missing' : 'waiting'
  }

  /** What is spoken there. */
  get protocol(): ListenerProtocol {
    return this.#protocol
  }

  /** Where opaque bytes go; undefined when it takes none. */
  get streams(): WarmStreams | undefined {
    return this.#isUnknown ? undefined : this.#streams.current
  }

  /** In force; defined when it is ready and takes requests. */
  get current(): WarmRoutes | undefined {
    return this.#isUnknown || !this.#takesRequests ? undefined : this.#target.current
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
    this.#streams.close()
  }

  #changed(): void {
    if (this.isForgotten || this.state === 'waiting') return
    for (const waiter of [...this.#waiters]) {
      this.#waiters.delete(waiter)
      waiter.onDestination(this)
    }
  }
}
