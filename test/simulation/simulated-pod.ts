/** A pod as far as a caller can tell: it begins to serve, drains, ends, and has requests inside. */
import type { Endpoint } from '#/model/endpoint.ts'

export type PodState =
  | 'starting'
  | 'serving'
  /** Asked to go: it still serves whoever comes, until its grace is over. */
  | 'draining'
  | 'ended'

export class SimulatedPod {
  readonly address: string
  readonly #weight: number
  state: PodState = 'starting'
  /** Ended without a word before. */
  hasCrashed = false
  /** Requests that it has taken and not answered yet; each is told when the pod ends under it. */
  readonly inside = new Set<() => void>()

  constructor(number: number, weight: number) {
    this.#weight = weight
    this.address = `10.0.${number >> 8}.${number & 255}`
  }

  get isTaking(): boolean {
    return this.state === 'serving' || this.state === 'draining'
  }

  /** As a control plane would tell it; undefined when it is gone. */
  get endpoint(): Endpoint | undefined {
    const { address, state } = this
    if (state === 'ended') return undefined
    const health = state === 'serving' ? 'healthy' : state === 'draining' ? 'draining' : 'unhealthy'
    return { address, port: 80, health, weight: this.#weight, isMeshed: false }
  }

  end(): void {
    this.state = 'ended'
    for (const lose of this.inside) lose()
    this.inside.clear()
  }
}
