/** All replicas: brings what runs in line with what the Deployments say, and keeps it so. */
import type { Log } from '#/std/log.ts'
import type { Ground } from './ground.ts'
import type { WorkloadAddresses } from './mesh-event.ts'
import { reconcile } from './reconcile.ts'
import type { Replica } from './replica.ts'
import type { WorkloadPlan } from './workload-plan.ts'

export interface FleetOptions {
  create: (plan: WorkloadPlan, pod: string) => Promise<Replica>
  ground: Ground
  log: Log
  /** Everything that is to run is ready. Told each time that it becomes so. */
  onComplete: () => void
}

const keyOf = ({ namespace, name }: { namespace: string; name: string }): string => `${namespace}/${name}`

export class Fleet {
  readonly #options: FleetOptions
  /** By Deployment, oldest first. */
  readonly #replicas = new Map<string, Replica[]>()
  #plans: readonly WorkloadPlan[] = []
  #isWorking = false
  #isAsked = false
  #isStopped = false
  #isComplete = false
  /** Services changed, so that explicit listeners may have. */
  #areAddressesOld = false

  constructor(options: FleetOptions) {
    this.#options = options
  }

  /** What is to run from now on. */
  follow(plans: readonly WorkloadPlan[]): void {
    this.#plans = plans
    this.#areAddressesOld = true
    this.work()
  }

  /** Something changed: takes the next steps, one after the other. */
  work(): void {
    if (this.#isStopped) return
    this.#isAsked = true
    if (this.#isWorking) return
    this.#isWorking = true
    this.#workOff().then(
      () => this.#checkComplete(),
      (error) => this.#options.log.error('a replica could not be prepared', { reason: String(error) }),
    )
  }

  all(): Replica[] {
    return [...this.#replicas.values()].flat()
  }

  addresses(): WorkloadAddresses[] {
    return this.all()
      .filter((replica) => !replica.isLeaving)
      .map((replica) => replica.addresses())
  }

  /** Callers first, so that nobody sees the others go. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopped = true
    const isCaller = (replica: Replica): boolean => replica.plan.containers.every(({ ports }) => ports.length === 0)
    const callers = this.all().filter(isCaller)
    const others = this.all().filter((replica) => !isCaller(replica))
    for (const group of [callers, others]) await Promise.all(group.map((replica) => replica.stop(graceMs)))
  }

  async #workOff(): Promise<void> {
    try {
      while (this.#isAsked && !this.#isStopped) {
        this.#isAsked = false
        await this.#step()
      }
    } finally {
      this.#isWorking = false
    }
  }

  async #step(): Promise<void> {
    if (this.#areAddressesOld) {
      this.#areAddressesOld = false
      await this.#renewAddresses()
    }
    const wanted = new Set(this.#plans.map(keyOf))
    for (const [key, replicas] of this.#replicas) {
      if (!wanted.has(key)) for (const replica of replicas) this.#drain(key, replica)
    }
    for (const plan of this.#plans) await this.#bringInLine(plan)
  }

  async #bringInLine(plan: WorkloadPlan): Promise<void> {
    const key = keyOf(plan)
    const replicas = this.#replicas.get(key) ?? []
    const running = replicas
      .filter((replica) => !replica.isLeaving)
      .map(({ pod, plan: { hash }, isReady }) => ({ pod, hash, isReady }))
    const { start, drain } = reconcile({ hash: plan.hash, replicas: plan.replicas, running })
    for (const pod of drain) this.#drain(key, replicas.find((replica) => replica.pod === pod)!)
    for (let i = 0; i < start && !this.#isStopped; i++) {
      const replica = await this.#options.create(plan, this.#freeName(plan))
      if (this.#isStopped) return
      this.#replicas.set(key, [...(this.#replicas.get(key) ?? []), replica])
      replica.start()
    }
  }

  #drain(key: string, replica: Replica): void {
    if (replica.isLeaving) return
    const gone = async (): Promise<void> => {
      await replica.drain()
      const left = (this.#replicas.get(key) ?? []).filter((one) => one !== replica)
      if (left.length > 0) this.#replicas.set(key, left)
      else this.#replicas.delete(key)
      await this.#options.ground.release(replica.plan, replica.pod)
    }
    gone().catch((error) => this.#options.log.error('a replica did not end in order', { reason: String(error) }))
  }

  /** The lowest number that no replica of this version has, those that are leaving included. */
  #freeName(plan: WorkloadPlan): string {
    const taken = new Set((this.#replicas.get(keyOf(plan)) ?? []).map(({ pod }) => pod))
    for (let i = 0; ; i++) {
      const pod = `${plan.name}-${plan.hash}-${i}`
      if (!taken.has(pod)) return pod
    }
  }

  async #renewAddresses(): Promise<void> {
    for (const replica of this.all()) {
      if (replica.isLeaving) continue
      replica.setExplicit(await this.#options.ground.explicitFor(replica.plan, replica.pod))
    }
  }

  #checkComplete(): void {
    const isComplete = this.#plans.every((plan) => {
      const present = (this.#replicas.get(keyOf(plan)) ?? []).filter((one) => !one.isLeaving)
      const ready = present.filter((one) => one.plan.hash === plan.hash && one.isReady)
      return ready.length === plan.replicas && present.length === plan.replicas
    })
    const isNew = isComplete && !this.#isComplete
    this.#isComplete = isComplete
    if (isNew && !this.#isStopped) this.#options.onComplete()
  }
}
