/** Puts a replica together: its place, its environment, and how its processes are started. */

import { join } from 'node:path'
import { proxyEnvironment } from '#/config/proxy-launch.ts'
import type { Clock } from '#/std/clock.ts'
import type { HostPort } from '#/std/host-port.ts'
import { appEnvironment, expandArguments } from './app-environment.ts'
import type { Ground, Site } from './ground.ts'
import type { LaptopIdentity } from './identity/laptop-identity.ts'
import type { LogFolder } from './log-folder.ts'
import type { Announce } from './mesh-event.ts'
import { Child } from './process/child.ts'
import type { Guard } from './process/guard.ts'
import { Replica, type ReplicaOptions } from './replica.ts'
import { sidecarArguments } from './sidecar.ts'
import type { Environment, StateFolder } from './state-folder.ts'
import type { WorkloadPlan } from './workload-plan.ts'

export interface ReplicaFactoryOptions {
  ground: Ground
  guard: Guard
  clock: Clock
  logs: LogFolder
  state: StateFolder
  /** Command line of the proxy. */
  proxy: readonly string[]
  control: HostPort
  identity: LaptopIdentity
  inherited: Environment
  settings: ReplicaOptions['settings']
  announce: Announce
  onChange: () => void
}

export class ReplicaFactory {
  readonly #options: ReplicaFactoryOptions

  constructor(options: ReplicaFactoryOptions) {
    this.#options = options
  }

  async create(plan: WorkloadPlan, pod: string): Promise<Replica> {
    const { ground, clock, state, settings, announce, identity, onChange } = this.#options
    const site = await ground.prepare(plan, pod)
    const logOf = (process: string): string => this.#options.logs.fileOf(plan.namespace, pod, process)
    const environments = new Map(plan.containers.map(({ name }) => [name, this.#environment(plan, pod, site, name)]))
    return new Replica({
      plan,
      pod,
      addresses: site.addresses,
      podFile: join(state.pods, `${plan.namespace}_${pod}.yaml`),
      settings,
      clock,
      announce: (event) => {
        if (event.event === 'workload' && event.change === 'gone') identity.forget(this.#stateOf(plan, pod))
        announce(event)
      },
      onChange,
      logOf,
      environmentOf: (container) => environments.get(container)!,
      enter: (argv) => site.enterAsApplication(argv),
      probeFrom: site.probeFrom,
      launchSidecar: () => this.#launchSidecar(plan, pod, site, logOf),
      launchContainer: (name) => {
        const { argv, folder } = plan.containers.find((one) => one.name === name)!
        const environment = environments.get(name)!
        const command = site.enterAsApplication(expandArguments(argv, environment))
        return this.#launch({ argv: command, environment, folder, logFile: logOf(name) })
      },
    })
  }

  #launchSidecar(plan: WorkloadPlan, pod: string, site: Site, logOf: (process: string) => string): Child {
    const { proxy, control, identity, inherited } = this.#options
    const folder = this.#stateOf(plan, pod)
    const argv = sidecarArguments({
      program: proxy,
      plan,
      pod,
      control,
      admin: site.addresses.admin,
      stateFolder: folder,
      accessLogFile: logOf('access'),
      identityFlags: identity.sidecarFlags({ plan, pod, folder, user: site.sidecarUser }),
    })
    return this.#launch({
      argv: site.enterAsSidecar(argv),
      environment: { ...inherited, ...proxyEnvironment },
      folder: '/',
      logFile: logOf('sidecar'),
    })
  }

  #stateOf({ namespace }: WorkloadPlan, pod: string): string {
    return join(this.#options.state.sidecars, `${namespace}_${pod}`)
  }

  #launch(options: { argv: string[]; environment: Environment; folder: string; logFile: string }): Child {
    const { guard, clock } = this.#options
    return new Child({ ...options, guard, clock })
  }

  #environment(plan: WorkloadPlan, pod: string, site: Site, name: string): Record<string, string> {
    return appEnvironment({
      inherited: this.#options.inherited,
      workload: plan,
      container: plan.containers.find((one) => one.name === name)!,
      pod,
      podAddress: site.addresses.podAddress,
      listen: site.listenOf(name),
      ...(site.addresses.outbound ? { outbound: site.addresses.outbound } : {}),
      services: site.services,
    })
  }
}
