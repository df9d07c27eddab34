/** The process of one container (or of the sidecar), kept running, with its readiness. */
import type { Clock } from '#/std/clock.ts'
import type { HostPort } from '#/std/host-port.ts'
import { type Look, lookByConnection, lookOf, type ProbeTarget } from './probe/probe.ts'
import { type Pace, paceOf, Readiness } from './probe/readiness.ts'
import type { Child } from './process/child.ts'
import { KeptProcess } from './process/kept-process.ts'
import type { ContainerPlan } from './workload-plan.ts'

export interface RunSettings {
  restartInitialMs: number
  restartMaxMs: number
}

export interface ContainerRunOptions {
  name: string
  launch: () => Child
  look: Look
  pace: Pace
  settings: RunSettings
  clock: Clock
  /** Its readiness or its process changed. */
  onChange: () => void
  onCrash: (exit: string, restartInMs: number) => void
  onRestart: (pid: number | undefined) => void
}

export class ContainerRun {
  readonly name: string
  readonly #kept: KeptProcess
  readonly #readiness: Readiness
  #lastExit = ''

  /** How a container's readiness is found out: by its probe, else by its first TCP port, else by its being there. */
  static readinessOf(
    container: ContainerPlan,
    target: ProbeTarget & { addressOf: (port: number | string) => HostPort | undefined },
  ): { look: Look; pace: Pace } {
    const { readinessProbe, ports } = container
    if (readinessProbe) {
      const nowhere = async (): Promise<string> => 'its readinessProbe names a port that the container does not declare'
      return { look: lookOf(readinessProbe, target) ?? nowhere, pace: paceOf(readinessProbe) }
    }
    const first = ports.find(({ protocol }) => protocol === 'TCP')
    const address = first && target.addressOf(first.port)
    const look: Look = address
      ? (timeoutMs) => lookByConnection(address, { timeoutMs, from: target.from })
      : async () => undefined
    return { look, pace: paceOf({ periodSeconds: 1 }) }
  }

  constructor(options: ContainerRunOptions) {
    const { name, launch, look, pace, settings, clock, onChange, onCrash, onRestart } = options
    this.name = name
    this.#readiness = new Readiness({ look, pace, clock, onChange })
    this.#kept = new KeptProcess({
      launch,
      clock,
      restartInitialMs: settings.restartInitialMs,
      restartMaxMs: settings.restartMaxMs,
      onStart: (child) => {
        this.#readiness.start()
        if (this.#kept.restarts > 0) onRestart(child.pid)
      },
      onCrash: (exit, waitMs) => {
        this.#lastExit = exit.message
        this.#readiness.stop()
        onCrash(exit.message, Math.round(waitMs))
        onChange()
      },
    })
  }

  get isReady(): boolean {
    return this.#readiness.isReady
  }

  get pid(): number | undefined {
    return this.#kept.pid
  }

  get restarts(): number {
    return this.#kept.restarts
  }

  /** Why it is not ready. */
  get reason(): string {
    if (!this.#kept.isRunning && this.#lastExit) return `it ended with ${this.#lastExit} and will be started again`
    return this.#readiness.reason || 'starting'
  }

  start(): void {
    this.#kept.start()
  }

  async stop(graceMs: number): Promise<void> {
    this.#readiness.stop()
    await this.#kept.stop(graceMs)
  }
}
