/** The thread's end of an event loop: carries out what the main thread orders, and tells how the loop fares. */
import type { ListenerSet } from '#/proxy/listener/listener-set.ts'
import type { SecretStore } from '#/proxy/tls/secret-store.ts'
import type { Clock } from '#/std/clock.ts'
import type { LogLevel } from '#/std/log.ts'
import type { LimitTable } from './limit-table.ts'
import type { FactTopic, LoopOrder, LoopReport } from './loop-message.ts'
import type { RelayedSource } from './relayed-source.ts'

/** What runs in the loop; `ProxyEngine` in production. */
export interface LoopEngine {
  readonly isReady: boolean
  readonly unreadiness: string
  readonly listeners: Pick<ListenerSet, 'active' | 'stopAccepting' | 'drain'>
  close(): void
}

export interface LoopEndOptions {
  engine: LoopEngine
  source: RelayedSource
  limits: LimitTable
  log: { level: LogLevel }
  /** Absent where the proxy has no identity. */
  secrets?: SecretStore
  clock: Clock
  report: (report: LoopReport) => void
  /** What the loop can tell of a topic, as data that can be cloned. */
  factsOf: (topic: FactTopic) => unknown
  /** Before the last word: lines that wait leave now. */
  onClose: () => void
}

/** How often it is looked whether the loop has become ready, and while draining whether anything is under way, ms. */
const readyPollMs = 10
const activePollMs = 25

export class LoopEnd {
  readonly #options: LoopEndOptions
  #detail = ''
  #isDraining = false
  #isClosed = false

  constructor(options: LoopEndOptions) {
    this.#options = options
    options.limits.onStir = (key) => options.report({ type: 'stir', key })
  }

  /** From now on it tells whether it is ready, until it is. */
  start(): void {
    const { engine, clock, report } = this.#options
    const { isReady, unreadiness: detail } = engine
    if (isReady || detail !== this.#detail) report({ type: 'readiness', isReady, detail })
    this.#detail = detail
    if (!isReady) clock.after(readyPollMs, () => this.start(), true)
  }

  take(order: LoopOrder): void {
    const { engine, source, limits, log, report, factsOf } = this.#options
    switch (order.type) {
      case 'mark':
        report({ type: 'taken', mark: order.mark })
        return
      case 'tell':
        report({ type: 'told', id: order.id, facts: factsOf(order.topic) })
        return
      case 'stir':
        limits.stir(order.key)
        return
      case 'secret':
        this.#options.secrets?.set(order.name, order.secret)
        return
      case 'log-level':
        log.level = order.level
        return
      case 'stop-accepting':
        engine.listeners.stopAccepting(order.direction)
        return
      case 'drain':
        engine.listeners.drain(order.direction)
        if (!this.#isDraining) this.#tellActive()
        this.#isDraining = true
        return
      case 'close':
        this.#close()
        return
      default:
        source.take(order)
    }
  }

  #tellActive(): void {
    if (this.#isClosed) return
    const { engine, clock, report } = this.#options
    report({ type: 'active', count: engine.listeners.active })
    clock.after(activePollMs, () => this.#tellActive(), true)
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#options.engine.close()
    this.#options.onClose()
    this.#options.report({ type: 'closed' })
  }
}
