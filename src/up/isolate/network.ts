/** The bridge of an isolated mesh and its network namespaces, made and removed with `ip` and `nft`. */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { promisify } from 'node:util'
import { type AddressPlan, podAddress } from './address-plan.ts'
import { redirectRules } from './redirect-rules.ts'
import type { Tools } from './requirement.ts'

const run = promisify(execFile)
/** Where `ip netns` keeps namespaces by name. */
const netnsFolder = '/run/netns'

export class Network {
  readonly #plan: AddressPlan
  readonly #tools: Tools
  readonly #bridge: string

  constructor(plan: AddressPlan, tools: Tools) {
    this.#plan = plan
    this.#tools = tools
    this.#bridge = `weft-${plan.id}`
  }

  /** Removes what an earlier run may have left, and makes the bridge. */
  async open(): Promise<void> {
    await this.close()
    await this.#ip(
      [],
      `link add ${this.#bridge} type bridge
addr add ${this.#plan.gateway}/20 dev ${this.#bridge}
addr add ${this.#plan.prober}/20 dev ${this.#bridge}
link set ${this.#bridge} up`,
    )
  }

  namespaceOf(number: number): string {
    return `${this.#bridge}-${number}`
  }

  /** The file by which programs enter it. */
  pathOf(number: number): string {
    return `${netnsFolder}/${this.namespaceOf(number)}`
  }

  /** A namespace with an address on the bridge, whose traffic passes 15001 and 15006. */
  async addNamespace(number: number): Promise<void> {
    const name = this.namespaceOf(number)
    // Interface names have 15 characters at most: `w1a2b-4093`.
    const outer = `w${this.#plan.id}-${number}`
    await this.#ip(
      [],
      `netns add ${name}
link add ${outer} type veth peer name eth0 netns ${name}
link set ${outer} master ${this.#bridge} up`,
    )
    await this.#ip(
      ['-n', name],
      `link set lo up
addr add ${podAddress(this.#plan, number)}/20 dev eth0
link set eth0 up
route add default via ${this.#plan.gateway}`,
    )
    await this.#feed(
      this.#tools.nsenter,
      [`--net=${netnsFolder}/${name}`, this.#tools.nft, '-f', '-'],
      redirectRules(this.#plan.prober),
    )
  }

  /** Its processes have ended; the pair of interfaces goes with it. */
  async removeNamespace(number: number): Promise<void> {
    if (existsSync(this.pathOf(number))) await run(this.#tools.ip, ['netns', 'delete', this.namespaceOf(number)])
  }

  /** Removes everything of this mesh, and nothing else. */
  async close(): Promise<void> {
    const names = existsSync(netnsFolder) ? readdirSync(netnsFolder) : []
    for (const name of names) {
      if (name.startsWith(`${this.#bridge}-`)) await run(this.#tools.ip, ['netns', 'delete', name])
    }
    if (existsSync(`/sys/class/net/${this.#bridge}`)) await run(this.#tools.ip, ['link', 'delete', this.#bridge])
  }

  /** The same as a line of shell, for when the supervisor was killed. */
  get cleanup(): string {
    const { ip } = this.#tools
    return `for name in ${netnsFolder}/${this.#bridge}-*; do ${ip} netns delete "\${name##*/}"; done; ${ip} link delete ${this.#bridge}`
  }

  #ip(flags: readonly string[], lines: string): Promise<void> {
    return this.#feed(this.#tools.ip, [...flags, '-batch', '-'], `${lines}\n`)
  }

  async #feed(program: string, words: readonly string[], input: string): Promise<void> {
    const running = run(program, [...words])
    running.child.stdin?.end(input)
    await running
  }
}
