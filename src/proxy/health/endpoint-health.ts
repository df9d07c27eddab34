/**
 * What one endpoint's answers say of it. Counted by whoever calls it, judged by the detector of its cluster.
 *
 *   trusted ──fails──▶ ejected ──time is over──▶ due ──a request is sent──▶ probed ──answers well──▶ trusted
 *                         ▲                       ▲                           │ └─no outcome─▶ due
 *                         └──────────────────────fails────────────────────────┘
 */

export type Trust = 'trusted' | 'ejected' | 'due' | 'probed'

/** Hears of what may change an endpoint's trust. */
export interface HealthJudge {
  onOutcome(health: EndpointHealthState, isGood: boolean): void
}

export class EndpointHealthState {
  readonly #judge: HealthJudge
  trust: Trust = 'trusted'
  /** In a row. */
  failuresInRow = 0
  gatewayFailuresInRow = 0
  localFailuresInRow = 0
  /** In this interval. */
  requests = 0
  failures = 0
  /** By which the next ejection is longer; less with each interval without one. */
  ejections = 0
  ejectedUntilMs = 0
  /** Faults of connections are no failures of the application. */
  countsLocalApart = false

  constructor(judge: HealthJudge) {
    this.#judge = judge
  }

  /** An answer came. @param status of HTTP. */
  onAnswer(status: number): void {
    this.requests++
    this.localFailuresInRow = 0
    const isGood = status < 500
    if (isGood) {
      this.failuresInRow = 0
      this.gatewayFailuresInRow = 0
    } else this.#fail(status)
    this.#judge.onOutcome(this, isGood)
  }

  /** No answer came: the connection failed or was cut, or it took too long. */
  onLocalFailure(): void {
    this.requests++
    if (this.countsLocalApart) {
      this.failures++
      this.localFailuresInRow++
    } else this.#fail(503)
    this.#judge.onOutcome(this, false)
  }

  forget(): void {
    this.failuresInRow = 0
    this.gatewayFailuresInRow = 0
    this.localFailuresInRow = 0
  }

  #fail(status: number): void {
    this.failures++
    this.failuresInRow++
    // RFC 9110, section 15.6: what an intermediary says of those behind it.
    if (status >= 502 && status <= 504) this.gatewayFailuresInRow++
    else this.gatewayFailuresInRow = 0
  }
}
