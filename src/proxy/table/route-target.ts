/**
 * The routes of a listener or destination, named or inline, through all their changes: a new source takes over when it
 * is warm, and not before.
 */
import type { RouteSource } from '#/model/listener.ts'
import type { Log } from '#/std/log.ts'
import type { ClusterRegistry } from './cluster-registry.ts'
import type { RouteRegistry } from './route-registry.ts'
import type { WarmRoutes } from './warm-routes.ts'
import { Warming } from './warming.ts'

export interface RouteTargetOptions {
  routes: RouteRegistry
  clusters: ClusterRegistry
  log: Log
  /** The routes in force, or whether there are any to wait for, may have changed. */
  onChange: () => void
}

/** A source in use: where its table comes from, and how to let go of it. */
interface Feed {
  key: string
  warming: Warming
  isMissing(): boolean
  close(): void
}

export class RouteTarget {
  readonly #options: RouteTargetOptions
  #next: Feed | undefined
  #inForce: Feed | undefined

  constructor(options: RouteTargetOptions) {
    this.#options = options
  }

  get current(): WarmRoutes | undefined {
    return this.#inForce?.warming.current
  }

  /** There is nothing in force, and nothing to wait for: no such configuration, or a faulty one. */
  get isHopeless(): boolean {
    const feed = this.#next ?? this.#inForce
    return this.current === undefined && feed !== undefined && (feed.isMissing() || feed.warming.fault !== '')
  }

  /** What went wrong or is waited for, for a person; empty when all is well. */
  get trouble(): string {
    const feed = this.#next ?? this.#inForce
    if (!feed) return ''
    if (feed.warming.fault !== '') return feed.warming.fault
    if (feed.isMissing()) return `the control plane has no route configuration ${feed.key}`
    const { waitsFor } = feed.warming
    return waitsFor.length > 0 ? `waits for ${waitsFor.join(', ')}` : ''
  }

  set(source: RouteSource): void {
    const key = source.type === 'rds' ? source.name : ''
    const latest = this.#next ?? this.#inForce
    if (latest?.key === key) {
      // Inline: the same place takes the new content. Named: the content comes by itself.
      if (source.type === 'inline') latest.warming.offer(source.configuration)
      return
    }
    this.#next?.close()
    this.#next = undefined
    if (this.#inForce?.key === key) return
    this.#next = source.type === 'rds' ? this.#named(source.name) : this.#inline()
    if (source.type === 'inline') this.#next.warming.offer(source.configuration)
    this.#changed()
  }

  close(): void {
    this.#next?.close()
    this.#inForce?.close()
    this.#next = undefined
    this.#inForce = undefined
  }

  #named(name: string): Feed {
    const { routes } = this.#options
    const onChange = (): void => this.#changed()
    const entry = routes.acquire(name, onChange)
    return {
      key: name,
      warming: entry.warming,
      isMissing: () => entry.isMissing,
      close: () => routes.release(entry, onChange),
    }
  }

  #inline(): Feed {
    const { clusters, log } = this.#options
    const warming = new Warming({ clusters, log, onChange: () => this.#changed() })
    return { key: '', warming, isMissing: () => false, close: () => warming.close() }
  }

  #changed(): void {
    if (this.#next?.warming.current) {
      const before = this.#inForce
      this.#inForce = this.#next
      this.#next = undefined
      before?.close()
    }
    this.#options.onChange()
  }
}
