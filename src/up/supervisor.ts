/**
 * The laptop mesh: a directory of ordinary Kubernetes YAML as running processes. The parts in their order, a sentence each:
 * state folder and ports, the YAML, the programs, the control plane, the replicas with their sidecars, and the word about it.
 */
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { UpSettings } from '#/config/up-settings.ts'
import { FileSource, type SourceSnapshot } from '#/control/source/file-source.ts'
import { type Clock, systemClock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { ConfigWatch } from './config-watch.ts'
import { ControlProcess } from './control-process.ts'
import { Fleet } from './fleet.ts'
import type { Ground } from './ground.ts'
import { hintsFor } from './hints.ts'
import { LaptopIdentity } from './identity/laptop-identity.ts'
import { type AddressPlan, planAddresses } from './isolate/address-plan.ts'
import { NamespaceGround } from './isolate/namespace-ground.ts'
import { Network } from './isolate/network.ts'
import { findTools, type Tools } from './isolate/requirement.ts'
import { LogFolder } from './log-folder.ts'
import { LoopbackGround, podKey } from './loopback-ground.ts'
import type { Announce } from './mesh-event.ts'
import { PortBook, readPorts } from './port-book.ts'
import { Guard } from './process/guard.ts'
import { endBundler, findPrograms, weftFolder } from './programs.ts'
import { untilPublished } from './publication.ts'
import { ReplicaFactory } from './replica-factory.ts'
import {
  type Environment,
  forgetRunningMesh,
  prepareStateFolder,
  readRunningMesh,
  type StateFolder,
  stateFolderOf,
  stateRoot,
  writeRunningMesh,
} from './state-folder.ts'
import { type LeftOut, type Machine, planWorkloads } from './workload-plan.ts'

export interface SupervisorOptions {
  /** Absolute path of the directory of YAML. */
  directory: string
  settings: UpSettings
  environment: Environment
  announce: Announce
  clock?: Clock
}

/** The mesh can't be started; the message says why and what to do. */
export class StartRefusal extends Error {}

export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #clock: Clock
  readonly #machine: Machine
  readonly #state: StateFolder
  readonly #log: Log
  readonly #guard: Guard
  readonly #logs: LogFolder
  readonly #source: FileSource
  readonly #isolation: Isolation | undefined
  #control: ControlProcess | undefined
  #identity: LaptopIdentity | undefined
  #fleet: Fleet | undefined
  #ground: Ground | undefined
  #watch: ConfigWatch | undefined
  #leftOut = new Map<string, string>()
  #isReadyTold = false
  #stopping: Promise<void> | undefined

  /** @throws StartRefusal when a mesh of this directory runs already, or the machine lacks what `--isolate` needs. */
  constructor(options: SupervisorOptions) {
    const { directory, environment, settings } = options
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#machine = { node: process.execPath, path: environment.PATH ?? '' }
    this.#state = stateFolderOf(stateRoot(environment), directory)
    const running = readRunningMesh(this.#state.path)
    if (running) throw new StartRefusal(`${directory} runs already, in process ${running.pid}; stop that one first`)
    const isolation = settings.isolate ? planIsolation(this.#state.path, this.#machine.path) : undefined
    prepareStateFolder(this.#state)
    this.#log = new Log({ component: 'up' })
    this.#logs = new LogFolder({ path: this.#state.logs, bytesMax: settings.logBytesMax, clock: this.#clock })
    this.#guard = new Guard()
    this.#isolation = isolation
    const range = isolation ? { serviceRange: isolation.plan.services } : {}
    this.#source = new FileSource({ directories: [directory], clock: this.#clock, log: this.#log, ...range })
  }

  /** Resolves when the control plane listens and the first replicas are being started; `ready` is announced later. */
  async start(): Promise<void> {
    const { directory, announce } = this.#options
    announce({ event: 'starting', directory, state: this.#state.path })
    this.#logs.start()
    const book = new PortBook({ file: portsFile(this.#state.path), takenElsewhere: () => this.#portsOfOthers() })
    const [programs, snapshot] = await Promise.all([
      findPrograms({ node: this.#machine.node, folder: this.#state.programs, log: this.#log }),
      this.#firstSnapshot(),
    ])
    await endBundler()
    if (this.#stopping) return
    const ground = await this.#openGround(book, snapshot)
    this.#ground = ground
    const control = await this.#startControl(book, programs.control)
    if (this.#stopping) return
    const factory = new ReplicaFactory({
      ground,
      guard: this.#guard,
      clock: this.#clock,
      logs: this.#logs,
      state: this.#state,
      proxy: programs.proxy,
      control: control.xds,
      identity: control.identity,
      inherited: this.#options.environment,
      settings: this.#options.settings,
      announce,
      onChange: () => this.#fleet?.work(),
    })
    this.#fleet = new Fleet({
      create: (plan, pod) => factory.create(plan, pod),
      ground,
      log: this.#log,
      onComplete: () => void this.#tellReady(),
    })
    this.#forgetOldPorts(book, snapshot)
    this.#source.subscribe((next) => this.#follow(next))
  }

  /** Ends everything in order. May be called at any time, also during `start`. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  /** Ends everything at once. */
  kill(): void {
    this.#guard.killAll()
    forgetRunningMesh(this.#state)
  }

  async #stop(): Promise<void> {
    const { announce, settings } = this.#options
    announce({ event: 'stopping' })
    this.#source.stop()
    this.#watch?.stop()
    await this.#fleet?.stop(settings.stopMs)
    await this.#control?.stop(settings.stopMs)
    await this.#ground?.close()
    this.#identity?.stop()
    this.#logs.stop()
    this.#guard.dismiss()
    forgetRunningMesh(this.#state)
    announce({ event: 'stopped' })
  }

  #firstSnapshot(): Promise<SourceSnapshot> {
    return new Promise((resolve) => {
      const unsubscribe = this.#source.subscribe((snapshot) => {
        unsubscribe()
        resolve(snapshot)
      })
    })
  }

  async #startControl(book: PortBook, program: readonly string[]) {
    const { directory, environment, settings, announce } = this.#options
    const ports = await book.take(['control/xds', 'control/api', 'control/secure'])
    const host = this.#ground!.controlHost
    const xds = { host, port: ports.get('control/xds')! }
    const api = { host: '127.0.0.1', port: ports.get('control/api')! }
    const { restartInitialMs, restartMaxMs, leafLifeMs } = settings
    const secure = { host, port: ports.get('control/secure')! }
    const identity = new LaptopIdentity({ state: this.#state, secure, leafLifeMs, clock: this.#clock, log: this.#log })
    this.#identity = identity
    const control = new ControlProcess({
      program,
      directories: [directory, this.#state.pods],
      ...(this.#isolation ? { serviceRange: this.#isolation.plan.services } : {}),
      xds,
      api,
      flags: { ...identity.controlFlags(), 'records-dir': this.#state.records },
      environment,
      logFile: this.#logs.fileOf('control'),
      guard: this.#guard,
      clock: this.#clock,
      restartInitialMs,
      restartMaxMs,
      announce,
    })
    this.#control = control
    const { api: url, xds: address } = control.report()
    writeRunningMesh(this.#state, { pid: process.pid, directory, api: url, xds: address })
    this.#watch = new ConfigWatch({ api: url, clock: this.#clock, announce })
    control.start()
    await control.ready
    return { xds, api, identity }
  }

  async #openGround(book: PortBook, { resources }: SourceSnapshot): Promise<Ground> {
    if (!this.#isolation) return new LoopbackGround(book, resources)
    const { SUDO_UID, SUDO_GID } = this.#options.environment
    const user = SUDO_UID && SUDO_GID ? { user: { uid: Number(SUDO_UID), gid: Number(SUDO_GID) } } : {}
    this.#guard.cleanUpWith(this.#isolation.network.cleanup)
    await this.#isolation.network.open()
    return new NamespaceGround({ ...this.#isolation, state: this.#state, resources, home: weftFolder, ...user })
  }

  #follow({ resources, faults }: SourceSnapshot): void {
    if (this.#stopping) return
    const { workloads, leftOut } = planWorkloads(resources, this.#machine)
    this.#tellLeftOut(leftOut)
    this.#ground?.setResources(resources)
    this.#watch?.update(resources, faults)
    this.#fleet?.follow(workloads)
  }

  #tellLeftOut(leftOut: readonly LeftOut[]): void {
    const now = new Map(leftOut.map((one) => [`${one.namespace}/${one.name}`, one.reason]))
    for (const { namespace, name, reason } of leftOut) {
      if (this.#leftOut.get(`${namespace}/${name}`) === reason) continue
      this.#options.announce({ event: 'left-out', namespace, name, reason })
    }
    this.#leftOut = now
  }

  async #tellReady(): Promise<void> {
    if (this.#isReadyTold || this.#stopping) return
    this.#isReadyTold = true
    const pods = this.#fleet!.addresses().map(({ pod, namespace }) => `${pod}.${namespace}`)
    await untilPublished({ api: this.#control!.report().api, pods, clock: this.#clock })
    if (this.#stopping) return
    this.#options.announce({
      event: 'ready',
      control: this.#control!.report(),
      workloads: this.#fleet!.addresses(),
    })
    const { resources } = this.#source.value!
    const plans = planWorkloads(resources, this.#machine).workloads
    const workloads = this.#fleet!.addresses()
    this.#options.announce({ event: 'hints', ...hintsFor({ resources, plans, workloads }) })
  }

  /** Of replicas that the YAML no longer asks for. */
  #forgetOldPorts(book: PortBook, { resources }: SourceSnapshot): void {
    const { workloads } = planWorkloads(resources, this.#machine)
    const kept = workloads.map((plan) => podKey(plan, `${plan.name}-${plan.hash}-`).slice(0, -1))
    book.release((key) => key.startsWith('pod/') && !kept.some((prefix) => key.startsWith(prefix)))
  }

  /** Meshes of other directories that run now. */
  #portsOfOthers(): ReadonlySet<number> {
    const root = dirname(this.#state.path)
    const others = readdirSync(root, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => join(root, name))
      .filter((path) => path !== this.#state.path && readRunningMesh(path) !== undefined)
    return new Set(others.flatMap((path) => Object.values(readPorts(portsFile(path)))))
  }
}

interface Isolation {
  plan: AddressPlan
  tools: Tools
  network: Network
}

/** @throws StartRefusal with what the machine lacks. */
function planIsolation(key: string, path: string): Isolation {
  const tools = findTools({ path, platform: process.platform, uid: process.getuid?.() ?? -1 })
  if (typeof tools === 'string') throw new StartRefusal(tools)
  const plan = planAddresses(key)
  return { plan, tools, network: new Network(plan, tools) }
}

function portsFile(stateFolder: string): string {
  return join(stateFolder, 'ports.json')
}
