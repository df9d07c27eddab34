/**
 * Each replica in a network namespace of its own, its traffic redirected to the sidecar by the kernel: the code path of a
 * pod. Applications see the ports of their containers, cluster IPs and the names of Services, and no proxy variable.
 */
import { chmodSync, chownSync, closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Resources } from '#/control/source/resources.ts'
import type { HostPort } from '#/std/host-port.ts'
import { type Ground, type ReachableService, type Site, servicesOf } from '../ground.ts'
import type { StateFolder } from '../state-folder.ts'
import type { WorkloadPlan } from '../workload-plan.ts'
import { type AddressPlan, podAddress, podNumberMax } from './address-plan.ts'
import { addressOf, hostsFile, resolverFile } from './hosts-file.ts'
import type { Network } from './network.ts'
import { proxyUid } from './redirect-rules.ts'
import type { Tools } from './requirement.ts'

export interface NamespaceGroundOptions {
  plan: AddressPlan
  network: Network
  tools: Tools
  state: StateFolder
  resources: Resources
  /** Folder of Weft itself, with `node_modules`. */
  home: string
  /** Who applications run as; absent, as root. */
  user?: { uid: number; gid: number }
}

/** What the sidecar sees of the machine besides the system, each at a place of its own that its user may read. */
const stage = '/run/weft'

export class NamespaceGround implements Ground {
  readonly controlHost: string
  readonly #options: NamespaceGroundOptions
  readonly #numbers = new Map<string, number>()
  readonly #hosts = new Map<string, string>()
  #resources: Resources

  constructor(options: NamespaceGroundOptions) {
    this.#options = options
    this.#resources = options.resources
    this.controlHost = options.plan.gateway
    chmodSync(options.state.programs, 0o755)
    writeFileSync(this.#resolver, resolverFile)
  }

  async prepare(workload: WorkloadPlan, pod: string): Promise<Site> {
    const { plan, network } = this.#options
    const number = this.#takeNumber(workload, pod)
    await network.addNamespace(number)
    this.#prepareSidecarFiles(workload, pod)
    const address = podAddress(plan, number)
    const ports = workload.containers.flatMap(({ name: container, ports }) =>
      ports.map(({ port, name, protocol }) => {
        const place = { host: address, port }
        return { port, name, protocol, container, application: place, inbound: place }
      }),
    )
    return {
      addresses: {
        podAddress: address,
        ports,
        admin: { host: address, port: 15000 },
        explicit: new Map(),
        isRedirected: true,
        hasIdentity: true,
      },
      listenOf: (container) =>
        new Map(
          ports.filter((one) => one.container === container).map(({ port }) => [port, { host: '0.0.0.0', port }]),
        ),
      services: this.#services(workload.namespace),
      probeFrom: plan.prober,
      enterAsApplication: (argv) => this.#enterAsApplication(argv, { number, namespace: workload.namespace }),
      sidecarUser: proxyUid,
      enterAsSidecar: (argv) => this.#enterAsSidecar(argv, { number, workload, pod }),
    }
  }

  /** Names lead to cluster IPs here; no listener of its own is needed. */
  async explicitFor(): Promise<ReadonlyMap<string, HostPort>> {
    return new Map()
  }

  setResources(resources: Resources): void {
    this.#resources = resources
    // In place: programs hold the file itself, not its name.
    for (const [namespace, file] of this.#hosts) writeFileSync(file, this.#hostsText(namespace))
  }

  async release(workload: WorkloadPlan, pod: string): Promise<void> {
    const key = `${workload.namespace}/${pod}`
    const number = this.#numbers.get(key)
    if (number === undefined) return
    await this.#options.network.removeNamespace(number)
    this.#numbers.delete(key)
  }

  close(): Promise<void> {
    return this.#options.network.close()
  }

  get #resolver(): string {
    return join(this.#options.state.programs, 'resolv.conf')
  }

  #hostsText(namespace: string): string {
    return hostsFile(this.#resources, { namespace, gateway: this.#options.plan.gateway })
  }

  #hostsFileOf(namespace: string): string {
    const file = join(this.#options.state.programs, `${namespace}.hosts`)
    if (!this.#hosts.has(namespace)) writeFileSync(file, this.#hostsText(namespace))
    this.#hosts.set(namespace, file)
    return file
  }

  #takeNumber(workload: WorkloadPlan, pod: string): number {
    const taken = new Set(this.#numbers.values())
    for (let number = 2; number <= podNumberMax; number++) {
      if (taken.has(number)) continue
      this.#numbers.set(`${workload.namespace}/${pod}`, number)
      return number
    }
    throw new Error(`no more than ${podNumberMax - 1} isolated replicas have addresses`)
  }

  #services(namespace: string): ReachableService[] {
    return servicesOf(this.#resources, namespace).flatMap(({ service, ports }) => {
      const host = addressOf(service)
      return host ? [{ service, addresses: new Map(ports.map(({ port }) => [port, { host, port }])) }] : []
    })
  }

  #stateOf(workload: WorkloadPlan, pod: string): string {
    return join(this.#options.state.sidecars, `${workload.namespace}_${pod}`)
  }

  /** The sidecar's user may write its state and its access log, and nothing else. */
  #prepareSidecarFiles(workload: WorkloadPlan, pod: string): void {
    const folder = this.#stateOf(workload, pod)
    mkdirSync(folder, { recursive: true })
    chownSync(folder, proxyUid, proxyUid)
    chmodSync(this.#options.state.logs, 0o711)
    const log = join(this.#options.state.logs, `${workload.namespace}_${pod}.access.log`)
    closeSync(openSync(log, 'a', 0o640))
    chownSync(log, proxyUid, proxyUid)
  }

  #enterAsApplication(argv: readonly string[], options: { number: number; namespace: string }): string[] {
    const { tools, network, user } = this.#options
    const { nsenter, unshare, mount, setpriv } = tools
    const script = `${mount} --make-rprivate / && ${mount} --bind "$1" /etc/hosts && ${mount} --bind "$2" /etc/resolv.conf && shift 2 && exec "$@"`
    const become = user ? [setpriv, `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups', '--'] : []
    return [
      ...[
        nsenter,
        `--net=${network.pathOf(options.number)}`,
        unshare,
        '--mount',
        '/bin/sh',
        '-c',
        script,
        'weft-enter',
      ],
      ...[this.#hostsFileOf(options.namespace), this.#resolver],
      ...[...become, ...argv],
    ]
  }

  /** As user 1337, whose connections the rules leave alone; a checkout in somebody's home is bound to where it may read. */
  #enterAsSidecar(argv: readonly string[], options: { number: number; workload: WorkloadPlan; pod: string }): string[] {
    const { tools, network, state, home } = this.#options
    const { nsenter, unshare, mount, setpriv } = tools
    const binds: [string, string][] = [
      [this.#stateOf(options.workload, options.pod), `${stage}/state`],
      [state.logs, `${stage}/logs`],
      [state.trust, `${stage}/trust`],
      [state.programs, `${stage}/programs`],
      [join(home, 'node_modules'), `${stage}/node_modules`],
      [home, `${stage}/home`],
    ]
    const script = `${mount} --make-rprivate / && ${mount} -t tmpfs -o mode=0755,size=64k weft /run || exit 1
while [ "$1" != -- ]; do mkdir -p "$2" && ${mount} --bind "$1" "$2" || exit 1; shift 2; done
shift; exec "$@"`
    return [
      ...[
        nsenter,
        `--net=${network.pathOf(options.number)}`,
        unshare,
        '--mount',
        '/bin/sh',
        '-c',
        script,
        'weft-enter',
      ],
      ...[...binds.flat(), '--'],
      ...[setpriv, `--reuid=${proxyUid}`, `--regid=${proxyUid}`, '--clear-groups', '--'],
      ...argv.map((word) => onStage(word, binds)),
    ]
  }
}

/** A path below one of the folders, as it is seen by the sidecar. */
function onStage(word: string, binds: readonly [string, string][]): string {
  const bind = binds.find(([folder]) => word === folder || word.startsWith(`${folder}/`))
  return bind ? bind[1] + word.slice(bind[0].length) : word
}
