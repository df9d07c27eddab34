/**
 * One replica: the processes of its containers, its sidecar, and the Pod file that tells the control plane of them.
 *
 *   new ──start──► starting ──sidecar ready──► running ──drain──► draining ──► gone
 *                     └──────────drain / stop──────┴───────────stop──────────────┘
 *
 * As with a sidecar container in Kubernetes, the applications start when the sidecar has become ready for the first time.
 * It is ready when its sidecar and all its containers are; the end of a process is noticed at once, not by the next probe.
 */
import { rmSync } from 'node:fs'
import { writeFileAtomically } from '#/std/atomic-file.ts'
import type { Clock } from '#/std/clock.ts'
import type { HostPort } from '#/std/host-port.ts'
import { formatHostPort } from '#/std/host-port.ts'
import { ContainerRun, type RunSettings } from './container-run.ts'
import { lastWords } from './log-folder.ts'
import type { Announce, WorkloadAddresses, WorkloadReport } from './mesh-event.ts'
import { podDocument, type ReplicaAddresses } from './pod-document.ts'
import { lookByHttp } from './probe/probe.ts'
import type { Child } from './process/child.ts'
import type { WorkloadPlan } from './workload-plan.ts'

export interface ReplicaOptions {
  plan: WorkloadPlan
  pod: string
  addresses: ReplicaAddresses
  podFile: string
  settings: RunSettings & { drainDelayMs: number }
  clock: Clock
  /** Starts the sidecar, or the process of a container. */
  launchSidecar: () => Child
  launchContainer: (container: string) => Child
  environmentOf: (container: string) => Record<string, string>
  /** The command line that runs a command where the replica runs. */
  enter: (argv: readonly string[]) => string[]
  /** Address of this machine from which probes come. */
  probeFrom?: string | undefined
  /** Log of a container or of the `sidecar`, for messages. */
  logOf: (process: string) => string
  announce: Announce
  /** It became ready, or stopped being so, or is gone. */
  onChange: () => void
}

type Phase = 'new' | 'starting' | 'running' | 'draining' | 'gone'

const sidecarPace = { initialDelayMs: 0, periodMs: 1000, timeoutMs: 1000, successThreshold: 1, failureThreshold: 2 }

export class Replica {
  readonly plan: WorkloadPlan
  readonly pod: string
  readonly #options: ReplicaOptions
  readonly #sidecar: ContainerRun
  readonly #containers: ContainerRun[]
  readonly #createdAt: string
  #addresses: ReplicaAddresses
  #phase: Phase = 'new'
  #deletedAt: string | undefined
  #isReady = false
  #written = ''

  constructor(options: ReplicaOptions) {
    const { plan, pod, addresses, clock } = options
    this.#options = options
    this.plan = plan
    this.pod = pod
    this.#addresses = addresses
    this.#createdAt = new Date(clock.wallMs()).toISOString()
    this.#sidecar = this.#runOf('sidecar', {
      launch: options.launchSidecar,
      look: (timeoutMs) => lookByHttp({ address: addresses.admin, path: '/ready', timeoutMs }),
      pace: sidecarPace,
    })
    this.#containers = plan.containers.map((container) =>
      this.#runOf(container.name, {
        launch: () => options.launchContainer(container.name),
        ...ContainerRun.readinessOf(container, {
          addressOf: (port) => this.#probeAddress(container.name, port),
          folder: container.folder,
          environment: options.environmentOf(container.name),
          enter: options.enter,
          from: options.probeFrom,
        }),
      }),
    )
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Was asked to go. */
  get isLeaving(): boolean {
    return this.#phase === 'draining' || this.#phase === 'gone'
  }

  start(): void {
    this.#phase = 'starting'
    this.#writePod()
    this.#announce('starting')
    this.#sidecar.start()
  }

  /** Listeners of Services that came or went since. */
  setExplicit(explicit: ReadonlyMap<string, HostPort>): void {
    this.#addresses = { ...this.#addresses, explicit }
    if (!this.isLeaving) this.#writePod()
  }

  /**
   * Leaves without a lost request: says so, waits until the others know, lets the sidecar finish what came in, then ends the
   * application. What only calls others goes the other way round: its sidecar stays until it is done.
   */
  async drain(): Promise<void> {
    if (this.isLeaving) return
    this.#phase = 'draining'
    this.#deletedAt = new Date(this.#options.clock.wallMs()).toISOString()
    this.#isReady = false
    this.#writePod()
    this.#announce('draining')
    const { settings, clock } = this.#options
    await new Promise<void>((resolve) => clock.after(settings.drainDelayMs, resolve))
    await this.#end(this.plan.graceMs)
  }

  /** The whole mesh goes: nobody is left who would have to know first. */
  async stop(graceMs: number): Promise<void> {
    if (this.#phase === 'gone') return
    this.#phase = 'draining'
    this.#isReady = false
    await this.#end(graceMs)
  }

  report(): WorkloadReport {
    const reason = this.#isReady ? undefined : this.#reason()
    return { ...this.addresses(), isReady: this.#isReady, ...(reason ? { reason } : {}) }
  }

  addresses(): WorkloadAddresses {
    const { ports, outbound, admin } = this.#addresses
    const first = ports.find(({ protocol }) => protocol === 'TCP')
    return {
      namespace: this.plan.namespace,
      name: this.plan.name,
      pod: this.pod,
      app: first ? urlOf(first.application) : null,
      inbound: first ? urlOf(first.inbound) : null,
      outbound: outbound ? urlOf(outbound) : null,
      admin: urlOf(admin),
      pids: { app: this.#containers[0]?.pid ?? null, sidecar: this.#sidecar.pid ?? null },
    }
  }

  async #end(graceMs: number): Promise<void> {
    const endSidecar = (): Promise<void> => this.#sidecar.stop(graceMs)
    const endContainers = async (): Promise<void> => {
      await Promise.all(this.#containers.map((container) => container.stop(graceMs)))
    }
    const order = this.#addresses.ports.length > 0 ? [endSidecar, endContainers] : [endContainers, endSidecar]
    for (const step of order) await step()
    if (this.#phase === 'gone') return
    this.#phase = 'gone'
    rmSync(this.#options.podFile, { force: true })
    this.#announce('gone')
    this.#options.onChange()
  }

  #runOf(name: string, parts: Pick<ConstructorParameters<typeof ContainerRun>[0], 'launch' | 'look' | 'pace'>) {
    const { settings, clock, announce, logOf, plan, pod } = this.#options
    const place = { namespace: plan.namespace, pod, process: name }
    return new ContainerRun({
      ...parts,
      name,
      settings,
      clock,
      onChange: () => this.#update(),
      onCrash: (exit, restartInMs) => {
        const log = logOf(name)
        announce({ event: 'crashed', ...place, exit, words: lastWords(log), restartInMs, log })
      },
      onRestart: (pid) => announce({ event: 'restarted', ...place, pid: pid ?? null }),
    })
  }

  #update(): void {
    if (this.isLeaving) return
    if (this.#phase === 'starting' && this.#sidecar.isReady) {
      this.#phase = 'running'
      for (const container of this.#containers) container.start()
    }
    const isReady = this.#sidecar.isReady && this.#containers.every((container) => container.isReady)
    const isChanged = isReady !== this.#isReady
    this.#isReady = isReady
    this.#writePod()
    if (!isChanged) return
    this.#announce(isReady ? 'ready' : 'not-ready')
    this.#options.onChange()
  }

  #reason(): string {
    if (this.#phase === 'draining') return 'it is leaving'
    if (!this.#sidecar.isReady) return `its sidecar is not ready: ${this.#sidecar.reason}`
    const waiting = this.#containers.find((container) => !container.isReady)
    return waiting ? `${waiting.name}: ${waiting.reason}` : ''
  }

  #writePod(): void {
    const { plan, pod, podFile } = this.#options
    const containers = this.#containers.map(({ name, isReady, restarts }) => ({ name, isReady, restarts }))
    const state = {
      isReady: this.#isReady,
      createdAt: this.#createdAt,
      ...(this.#deletedAt ? { deletedAt: this.#deletedAt } : {}),
      containers,
    }
    // JSON is YAML too, and needs no library to be written.
    const text = `${JSON.stringify(podDocument({ plan, pod, addresses: this.#addresses, state }), null, 2)}\n`
    if (text === this.#written) return
    this.#written = text
    writeFileAtomically(podFile, text)
  }

  #announce(change: 'starting' | 'ready' | 'not-ready' | 'draining' | 'gone'): void {
    this.#options.announce({ event: 'workload', change, workload: this.report() })
  }

  #probeAddress(container: string, port: number | string): HostPort | undefined {
    return this.#addresses.ports.find(
      (one) => one.container === container && (typeof port === 'number' ? one.port === port : one.name === port),
    )?.application
  }
}

function urlOf(address: HostPort): string {
  return `http://${formatHostPort(address)}`
}
