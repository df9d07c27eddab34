/**
 * Pods come, drain, crash and go under load, and the news of it is late: production balancers on a clock and a chance from one
 * seed. `npm run simulate -- --runs 100 [--seed N]` looks at new worlds.
 *
 * As in Kubernetes with no pod unavailable, a pod is asked to go when another is known to serve, and its grace is longer than
 * news and requests take. Then no request may be lost but those inside a pod that crashed.
 */
import type { LoadBalancing } from '#/model/cluster.ts'
import type { Endpoint } from '#/model/endpoint.ts'
import { type Balancer, createBalancer } from '#/proxy/balance/balancer.ts'
import type { EndpointSlot } from '#/proxy/balance/endpoint-slot.ts'
import { ManualClock } from '#/std/clock.ts'
import { pickIndex, type Random, seededRandom } from '#/std/random.ts'
import { SimulatedPod } from './simulated-pod.ts'

const lengthMs = 20_000
const graceMs = 1000
const newsDelayMaxMs = 400
const serviceTimeMaxMs = 300
const arrivalMaxMs = 8
const changeMaxMs = 300
const podCountMax = 12

export interface SimulationResult {
  seed: number
  kind: LoadBalancing
  requests: number
  /** Attempts that met a closed door and went to another pod. */
  retries: number
  /** Requests inside a pod when it crashed. */
  lostToCrashes: number
  /** What must never be; empty when all is well. */
  violations: string[]
}

class Simulation {
  readonly #clock = new ManualClock()
  readonly #random: Random
  readonly #balancer: Balancer
  readonly #pods: SimulatedPod[] = []
  readonly result: SimulationResult
  /** What the proxy was told last. */
  #told: readonly Endpoint[] = []
  #newsAtMs = 0
  #podCount = 0
  /** With equal weights balancers take another way. */
  readonly #weightMax: number
  #isOver = false

  constructor(seed: number, kind: LoadBalancing) {
    this.#random = seededRandom(seed)
    this.#weightMax = seed % 2 === 0 ? 1 : 3
    this.#balancer = createBalancer(kind, this.#random)
    this.result = { seed, kind, requests: 0, retries: 0, lostToCrashes: 0, violations: [] }
  }

  run(): SimulationResult {
    this.#start()
    this.#start()
    this.#clock.advance(changeMaxMs + newsDelayMaxMs)
    this.#arrive()
    this.#change()
    this.#clock.advance(lengthMs)
    this.#isOver = true
    this.#clock.advance(graceMs + serviceTimeMaxMs + newsDelayMaxMs)
    for (const { key, active } of this.#balancer.slots.values()) {
      this.#check(active === 0, `${key} has ${active} requests under way when all have ended`)
    }
    return this.result
  }

  #check(holds: boolean, what: string): void {
    if (!holds) this.result.violations.push(`at ${this.#clock.monotonicMs()} ms: ${what}`)
  }

  #within(maxMs: number): number {
    return pickIndex(this.#random, maxMs)
  }

  // What happens to pods.

  #change(): void {
    if (this.#isOver) return
    const sure = this.#pods.filter(({ state, address }) => state === 'serving' && this.#isToldHealthy(address))
    const roll = this.#random()
    if (roll < 0.5 && this.#pods.length < podCountMax) this.#start()
    else if (roll < 0.9 && sure.length > 1) this.#drain(sure[pickIndex(this.#random, sure.length)]!)
    else if (sure.length > 2) this.#crash(sure[pickIndex(this.#random, sure.length)]!)
    this.#clock.after(this.#within(changeMaxMs), () => this.#change())
  }

  #isToldHealthy(address: string): boolean {
    return this.#told.some((endpoint) => endpoint.address === address && endpoint.health === 'healthy')
  }

  #start(): void {
    const pod = new SimulatedPod(++this.#podCount, 1 + this.#within(this.#weightMax))
    this.#pods.push(pod)
    this.#publish()
    this.#clock.after(this.#within(changeMaxMs), () => {
      pod.state = 'serving'
      this.#publish()
    })
  }

  #drain(pod: SimulatedPod): void {
    pod.state = 'draining'
    this.#publish()
    this.#clock.after(graceMs, () => this.#end(pod))
  }

  #crash(pod: SimulatedPod): void {
    pod.hasCrashed = true
    this.#end(pod)
  }

  #end(pod: SimulatedPod): void {
    if (pod.state === 'ended') return
    pod.end()
    this.#pods.splice(this.#pods.indexOf(pod), 1)
    this.#publish()
  }

  // What the proxy learns of it.

  /** News is late, but never overtaken by older news. */
  #publish(): void {
    const endpoints = this.#pods.map(({ endpoint }) => endpoint).filter((endpoint) => endpoint !== undefined)
    this.#newsAtMs = Math.max(this.#newsAtMs, this.#clock.monotonicMs() + this.#within(newsDelayMaxMs))
    this.#clock.after(this.#newsAtMs - this.#clock.monotonicMs(), () => this.#learn(endpoints))
  }

  #learn(endpoints: readonly Endpoint[]): void {
    const before = new Map(this.#balancer.slots)
    this.#balancer.update(endpoints)
    this.#told = endpoints
    const { slots } = this.#balancer
    this.#check(slots.size === endpoints.length, `${slots.size} slots for ${endpoints.length} endpoints`)
    for (const [key, slot] of before) {
      const after = slots.get(key)
      this.#check(after === undefined || after === slot, `${key} stayed and lost its slot`)
      this.#check((after === undefined) === slot.isRemoved, `${key} does not know whether it was removed`)
    }
  }

  // Requests.

  #arrive(): void {
    if (this.#isOver) return
    this.result.requests++
    this.#attempt([])
    this.#clock.after(this.#within(arrivalMaxMs), () => this.#arrive())
  }

  /** Goes on to the next pod for as long as doors are closed: nothing was sent, so anything may be tried again. */
  #attempt(tried: EndpointSlot[]): void {
    const slot = this.#balancer.pick(tried)
    if (!slot) {
      this.#check(false, `a request found no open door: ${tried.length} were tried`)
      return
    }
    this.#checkChoice(slot, tried)
    slot.acquire()
    const pod = this.#pods.find(({ address }) => address === slot.endpoint.address)
    if (pod?.isTaking) {
      this.#serve(pod, slot)
      return
    }
    slot.release(true)
    this.result.retries++
    this.#attempt([...tried, slot])
  }

  #checkChoice(slot: EndpointSlot, tried: readonly EndpointSlot[]): void {
    const told = this.#told.find(({ address }) => address === slot.endpoint.address)
    const hasHealthy = this.#told.some(({ health }) => health === 'healthy')
    const expected = hasHealthy ? 'healthy' : 'draining'
    this.#check(told?.health === expected, `${slot.key} was chosen, which is ${told?.health ?? 'gone'}`)
    this.#check(!tried.includes(slot), `${slot.key} was chosen again`)
  }

  #serve(pod: SimulatedPod, slot: EndpointSlot): void {
    const lose = (): void => {
      slot.release(true)
      if (pod.hasCrashed) this.result.lostToCrashes++
      else this.#check(false, `a request was inside ${slot.key} when its grace was over`)
    }
    pod.inside.add(lose)
    this.#clock.after(this.#within(serviceTimeMaxMs), () => {
      if (pod.inside.delete(lose)) slot.release(false)
    })
  }
}

/** One run of 20 simulated seconds. */
export function simulateRollingUpdates(seed: number, kind: LoadBalancing): SimulationResult {
  return new Simulation(seed, kind).run()
}
