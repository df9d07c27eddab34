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
  readonly #requestsMax: number
  readonly #retriesMax: number
  readonly #budget: BreakerLimits['retryBudget']
  /** Requests between two attempts, of this event loop. */
  #waiting = 0

  constructor({ requestsMax, retriesMax, retryBudget }: BreakerLimits, { cluster, table }: BreakerOptions) {
    this.#requestsMax = requestsMax ?? countMax
    this.#retriesMax = retriesMax ?? countMax
    this.#budget = retryBudget
    // A budget is a share of the requests, so that they are counted where they have no bound.
    if (requestsMax !== undefined || retryBudget) this.#requests = new Gauge(`${cluster} requests`, table)
    if (retriesMax !== undefined || retryBudget) this.#retries = new Gauge(`${cluster} retries`, table)
  }

  /** Takes a retry that begins a little later, so that those who wait for their turn count. `beginRetry` follows, or `dropRetry`. */
  takeRetry(): boolean {
    // Who asks is a request too, though its last attempt is over.
    this.#waiting++
    if (this.#retries?.take(this.#retriesNow()) !== false) return true
    this.#waiting--
    return false
  }

  /** The attempt is acquired next, and released as a retry. */
  beginRetry(): void {
    this.#waiting--
  }

  dropRetry(): void {
    this.#waiting--
    this.#retries?.give()
  }

  /** How many retries may be under way now (Envoy: RetryBudget). */
  #retriesNow(): number {
    if (!this.#budget) return this.#retriesMax
    const { percent, attemptsMin } = this.#budget
    return Math.max(attemptsMin, Math.floor(((this.#requests!.count + this.#waiting) * percent) / 100))
  }

  /**
   * One more attempt; `release` when it is over.
   * @returns the limit that is reached, empty when it may begin.
   */
  acquire(isRetry: boolean): '' | 'requests' | 'retries' {
    if (this.#requests?.take(this.#requestsMax) === false) return 'requests'
    if (isRetry && this.#retries?.take(this.#retriesNow()) === false) {
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

/** More than can be under way; parts of it can be reckoned with. */
const countMax = 2 ** 31 - 1

/** A count with a bound, shared with the other event loops where there are some. */
class Gauge {
  readonly #table: LimitTable | undefined
  readonly #shared: SharedLimit | undefined
  #taken = 0
  #isClosed = false

  constructor(key: string, table: LimitTable | undefined) {
    this.#table = table
    this.#shared = table?.open(key)
  }

  /** Of all event loops. */
  get count(): number {
    return this.#shared ? this.#shared.total : this.#taken
  }

  take(max: number): boolean {
    if (this.#shared ? !this.#shared.take(max) : this.#taken >= max) return false
    this.#taken++
    return true
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
