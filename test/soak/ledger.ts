/** Every call of the soak from its begin to its end, so that at the end each failure can be judged by who had seen it. */

export type LaneName = 'http1' | 'http2' | 'grpc' | 'websocket' | 'events' | 'tcp' | 'connect' | 'udp' | LongLaneName

/** One connection from the begin to the end. */
export type LongLaneName = 'long-grpc' | 'long-websocket' | 'long-tcp'

export interface CallPlan {
  lane: LaneName
  /** May be sent again by anybody: a GET. */
  isRepeatable: boolean
  /** The soak itself cuts it somewhere, so that its end proves nothing. */
  isCut: boolean
  /** Of the request; 0 by default. */
  bodyBytes?: number
}

export class Call {
  readonly plan: CallPlan
  /** What the server writes down: of the call, then of each message in it. */
  readonly ids: string[]
  readonly startMs = Date.now()
  endMs = 0
  /** Process that answers it; empty until it is known. */
  server = ''
  detail = ''

  constructor(plan: CallPlan, id: string) {
    this.plan = plan
    this.ids = [id]
  }

  get id(): string {
    return this.ids[0]!
  }

  /** The id of one more message. */
  nextId(): string {
    const id = `${this.id}.${this.ids.length}`
    this.ids.push(id)
    return id
  }
}

export interface LaneCount {
  done: number
  cut: number
  failed: number
}

export class Ledger {
  readonly counts = new Map<LaneName, LaneCount>()
  readonly failures: Call[] = []
  #started = 0

  get total(): number {
    let sum = 0
    for (const { done, cut, failed } of this.counts.values()) sum += done + cut + failed
    return sum
  }

  begin(plan: CallPlan): Call {
    if (!this.counts.has(plan.lane)) this.counts.set(plan.lane, { done: 0, cut: 0, failed: 0 })
    return new Call(plan, `${plan.isCut ? 'cut-' : ''}${plan.lane}-${this.#started++}`)
  }

  end(call: Call, failure: string | undefined): void {
    const count = this.counts.get(call.plan.lane)!
    call.endMs = Date.now()
    if (call.plan.isCut) count.cut++
    else if (failure === undefined) count.done++
    else {
      count.failed++
      call.detail = failure
      this.failures.push(call)
    }
  }
}
