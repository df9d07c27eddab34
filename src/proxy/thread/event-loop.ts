/** One event loop's thread, as the main thread sees it; started again when it dies. */
import type { Backoff } from '#/std/backoff.ts'
import type { Clock, Timer } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import type { ResourceSource } from '#/xds/fetch/resource-source.ts'
import type { LoopOrder, LoopReport } from './loop-message.ts'
import { LoopSubscriptions } from './loop-subscriptions.ts'

export interface LoopThread {
  order(order: LoopOrder): void
}

export interface LoopThreadOwner {
  onReport(report: LoopReport): void
  /** Exactly once. */
  onExit(reason: string): void
}

export interface EventLoopOptions {
  /** From 0. */
  loop: number
  spawn: (owner: LoopThreadOwner) => LoopThread
  source: ResourceSource
  backoff: Backoff
  clock: Clock
  log: Log
  /** What is not of its own configuration or state. */
  onReport: (report: LoopReport) => void
  /** It holds nothing any more. */
  onGone: () => void
}

/** Whoever lived for so long died of something new, ms: its next start waits no longer than the first. */
const longLifeMs = 60_000

export class EventLoop {
  readonly loop: number
  /** It has its first configuration and is bound; a later fault does not take it back. */
  isReady = false
  /** Why it is not ready. */
  detail = 'is being started'
  /** Requests under way when it told last; undefined when it has not been asked. */
  active: number | undefined
  restarts = 0
  readonly #options: EventLoopOptions
  #thread: LoopThread | undefined
  #subscriptions: LoopSubscriptions | undefined
  #startedMs = 0
  #retry: Timer | undefined
  #isEnding = false

  constructor(options: EventLoopOptions) {
    this.loop = options.loop
    this.#options = options
  }

  get isAlive(): boolean {
    return this.#thread !== undefined
  }

  /** It has asked for configuration; before that it has nothing to take. */
  get isFollowing(): boolean {
    return this.#subscriptions !== undefined
  }

  start(): void {
    this.#startedMs = this.#options.clock.monotonicMs()
    const thread = this.#options.spawn({
      onReport: (report) => this.#thread === thread && this.#take(report),
      onExit: (reason) => this.#thread === thread && this.#exited(reason),
    })
    this.#thread = thread
  }

  order(order: LoopOrder): void {
    this.#thread?.order(order)
  }

  /** From now on its end is no fault. */
  expectEnd(): void {
    this.#isEnding = true
    this.#retry?.cancel()
  }

  #take(report: LoopReport): void {
    if (report.type === 'subscribe') this.#follow().add(report)
    else if (report.type === 'cancel') this.#subscriptions?.cancel(report.id)
    else if (report.type === 'active') this.active = report.count
    else if (report.type === 'readiness') {
      this.isReady ||= report.isReady
      this.detail = report.detail
    } else this.#options.onReport(report)
  }

  #follow(): LoopSubscriptions {
    this.#subscriptions ??= new LoopSubscriptions(this.#options.source, (order) => this.order(order))
    return this.#subscriptions
  }

  #exited(reason: string): void {
    const { clock, log, backoff, onGone } = this.#options
    this.#thread = undefined
    this.#subscriptions?.close()
    this.#subscriptions = undefined
    this.active = 0
    onGone()
    if (this.#isEnding) return
    if (clock.monotonicMs() - this.#startedMs >= longLifeMs) backoff.reset()
    const delayMs = backoff.next()
    log.error('an event loop died, with its connections; it is started again', {
      loop: this.loop,
      reason,
      retryMs: Math.round(delayMs),
    })
    this.#retry = clock.after(delayMs, () => {
      this.restarts++
      this.active = undefined
      this.start()
    })
  }
}
