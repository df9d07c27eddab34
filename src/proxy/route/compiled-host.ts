/** A virtual host ready for use. Immutable. */
import type { RequestHead } from '#/codec/message.ts'
import type { VirtualHost } from '#/model/route.ts'
import { CompiledRoute } from './compiled-route.ts'
import type { DecisionTrace } from './decision-trace.ts'
import { RouteIndex } from './route-index.ts'

/** Up to this many routes a plain scan is as fast as the index (route-table.bench.ts). */
const scannedMax = 4

export class CompiledHost {
  readonly virtualHost: VirtualHost
  readonly routes: readonly CompiledRoute[]
  readonly #index: RouteIndex | undefined

  /** @throws RouteConfigurationError when a pattern is no RE2. */
  constructor(virtualHost: VirtualHost) {
    this.virtualHost = virtualHost
    this.routes = virtualHost.routes.map((route) => new CompiledRoute(route))
    this.#index = this.routes.length > scannedMax ? new RouteIndex(this.routes) : undefined
  }

  /**
   * The first route whose conditions all hold.
   * @param trace learns of every route up to the one that wins, and why each of them lost.
   */
  match(head: RequestHead, trace?: DecisionTrace): CompiledRoute | undefined {
    const end = head.path.indexOf('?')
    const path = end < 0 ? head.path : head.path.slice(0, end)
    if (this.#index !== undefined && trace === undefined) return this.#index.match(head, path)
    for (const route of this.routes) if (route.matches(head, path, trace)) return route
    return undefined
  }
}
