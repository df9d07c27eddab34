/**
 * The limits of what may be under way to one destination at a time, from this proxy (Envoy: circuit breakers). Beyond them a request
 * fails at once: a destination that is slow must not cost the memory and the time of requests to others.
 */
import type { BreakerLimits } from '#/model/breaking.ts'
import type { LimitTable, SharedLimit } from '#/proxy/thread/limit-table.ts'

export interface BreakerOptions {
  /** Its name. */
  cluster: string
  /** Where several event loops share the limits. */
  table?: LimitTable | undefined
}

export class Breaker {
  readonly #requests: Gauge | undefined
  readonly #retries: Gauge | undefined

  constructor({ requestsMax, retriesMax }: BreakerLimits, { cluster, table }: BreakerOptions) {
    if (requestsMax !== undefined) this.#requests = new Gauge(requestsMax, `${cluster} requests`, table)
    if (retriesMax !== undefined) this.#retries = new Gauge(retriesMax, `${cluster} retries`, table)
  }

  /** Whether one more retry may be under way. */
  get hasRetries(): boolean {
    return this.#retries?.isFull !== true
  }

  /**
   * One more attempt; `release` when it is over.
   * @returns the limit that is reached, empty when it may begin.
   */
  acquire(isRetry: boolean): '' | 'requests' | 'retries' {
    if (this.#requests?.take() === false) return 'requests'
    if (isRetry && this.#retries?.take() === false) {
      this.#requests?.give()
      return 'retries'
    }
    return ''
  }

  release(isRetry: boolean): void {
    this.#requests?.give()
    if (isRetry) this.#retries?.give()
  }

  /** Another takes its place; attempts that began under it are still given back to it. */
  close(): void {
    this.#requests?.close()
    this.#retries?.close()
  }
}

/** A count with a bound, shared with the other event loops where there are some. */
class Gauge {
  readonly #max: number
  readonly #table: LimitTable | undefined
  readonly #shared: SharedLimit | undefined
  #taken = 0
  #isClosed = false

  constructor(max: number, key: string, table: LimitTable | undefined) {
    this.#max = max
    this.#table = table
    this.#shared = table?.open(key)
  }

  take(): boolean {
    if (this.#shared ? !this.#shared.take(this.#max) : this.#taken >= this.#max) return false
    this.#taken++
    return true
  }

  get isFull(): boolean {
    return this.#shared ? this.#shared.isFull(this.#max) : this.#taken >= this.#max
  }

  give(): void {
    this.#taken--
    this.#shared?.give()
    if (this.#isClosed) this.#leave()
  }

  close(): void {
    this.#isClosed = true
    this.#leave()
  }

  /** The table wants everything back before it is left. */
  #leave(): void {
    if (this.#taken === 0 && this.#shared) this.#table?.release(this.#shared)
  }
}
