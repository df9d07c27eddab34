/** What stands between requests and one cluster: its limits, and the judgement of its endpoints. Nothing where no policy asks for it. */
import type { TimerWheel } from '#/codec/timer-wheel.ts'
import type { Cluster } from '#/model/cluster.ts'
import type { EndpointSlot } from '#/proxy/balance/endpoint-slot.ts'
import type { LimitTable } from '#/proxy/thread/limit-table.ts'
import type { Clock } from '#/std/clock.ts'
import { Breaker } from './breaker.ts'
import { ConnectionBudget, type PoolCount } from './connection-budget.ts'
import { OutlierDetector } from './outlier-detector.ts'

/** Envoy's default of `healthy_panic_threshold`. */
const panicPercentDefault = 50

export interface GuardContext {
  clock: Clock
  /** Fine, for intervals under a second; coarse for the others. */
  wheel: TimerWheel
  coarseWheel: TimerWheel
  limitTable?: LimitTable | undefined
}

export interface GuardOwner {
  readonly slots: Iterable<EndpointSlot<PoolCount>>
  /** Who may be chosen from has changed. */
  refresh(panicPercent: number): void
}

type Model = Pick<Cluster, 'name' | 'breakers' | 'outliers' | 'panicPercent'>

export class ClusterGuard {
  readonly #context: GuardContext
  readonly #owner: GuardOwner
  #model: Model = { name: '' }
  #breaker: Breaker | undefined
  #budget: ConnectionBudget | undefined
  #outliers: OutlierDetector | undefined

  constructor(context: GuardContext, owner: GuardOwner) {
    this.#context = context
    this.#owner = owner
  }

  /** Of requests and retries under way; each attempt gives back to the one that it took from. */
  get breaker(): Breaker | undefined {
    return this.#breaker
  }

  /** Takes from the breaker for an attempt. @returns why it may not begin, empty when it may. */
  admit(isRetry: boolean): string {
    const limit = this.#breaker?.acquire(isRetry) ?? ''
    return limit === '' ? '' : `${this.#model.name}: as many ${limit} are under way as its TrafficPolicy allows`
  }

  /** Of connections, and of requests that wait for them. */
  get budget(): ConnectionBudget | undefined {
    return this.#budget
  }

  get ejected(): number {
    return this.#outliers?.ejected ?? 0
  }

  update(model: Model): void {
    const before = this.#model
    this.#model = model
    if (!isSame(before.breakers, model.breakers)) this.#limit(model)
    const { outliers } = model
    if (!outliers) {
      this.#outliers?.close()
      this.#outliers = undefined
    } else if (this.#outliers) this.#outliers.update(outliers)
    else {
      const { clock, wheel, coarseWheel } = this.#context
      const onChange = (): void => this.#refresh()
      this.#outliers = new OutlierDetector(outliers, {
        clock,
        wheel: outliers.intervalMs < 1000 ? wheel : coarseWheel,
        onChange,
      })
    }
    this.watch()
    if (outliers || before.outliers) this.#refresh()
  }

  /** The endpoints are others. */
  watch(): void {
    this.#outliers?.watch(this.#owner.slots)
  }

  /** @returns an endpoint that is to be asked whether it is well again; undefined nearly always. */
  takeProbe(exclude: readonly EndpointSlot<PoolCount>[] | undefined): EndpointSlot<PoolCount> | undefined {
    return this.#outliers?.takeProbe(exclude) as EndpointSlot<PoolCount> | undefined
  }

  close(): void {
    this.#outliers?.close()
    this.#breaker?.close()
    this.#budget?.close()
  }

  #refresh(): void {
    this.#owner.refresh(this.#model.panicPercent ?? panicPercentDefault)
  }

  #limit({ name: cluster, breakers }: Model): void {
    const { limitTable: table } = this.#context
    this.#breaker?.close()
    this.#budget?.close()
    const { requestsMax, retriesMax, retryBudget } = breakers ?? {}
    const limitsRequests = (requestsMax ?? retriesMax ?? retryBudget) !== undefined
    const limitsPools = breakers?.connectionsMax !== undefined || breakers?.pendingMax !== undefined
    this.#breaker = breakers && limitsRequests ? new Breaker(breakers, { cluster, table }) : undefined
    this.#budget =
      breakers && limitsPools ? new ConnectionBudget(breakers, { cluster, table, owner: this.#owner }) : undefined
  }
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
