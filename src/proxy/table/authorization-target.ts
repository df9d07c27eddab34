/** Whom a listener asks about its requests, through changes: a new one takes over when its cluster is there. */
import type { ExternalAuthorization } from '#/model/external-authorization.ts'
import type { UpstreamCluster } from '#/proxy/upstream/upstream-cluster.ts'
import type { ClusterEntry } from './cluster-entry.ts'
import type { ClusterRegistry } from './cluster-registry.ts'

export interface WarmAuthorization {
  rules: ExternalAuthorization
  /** Undefined: the control plane does not have it. Then there is no answer. */
  cluster: UpstreamCluster | undefined
}

interface Held {
  rules: ExternalAuthorization
  entry: ClusterEntry
  /** By which the cluster is held. */
  onChange: () => void
}

export class AuthorizationTarget {
  readonly #clusters: ClusterRegistry
  readonly #onChange: () => void
  #pending: Held | undefined
  #inForce: Held | undefined
  #current: WarmAuthorization | undefined

  /** @param options.onChange what is in force has changed. */
  constructor(options: { clusters: ClusterRegistry; onChange: () => void }) {
    this.#clusters = options.clusters
    this.#onChange = options.onChange
  }

  /** Undefined: nobody is asked. */
  get current(): WarmAuthorization | undefined {
    return this.#current
  }

  /** What was offered last is in force. */
  get isSettled(): boolean {
    return this.#pending === undefined
  }

  /** The cluster that is waited for, for a person. */
  get waitsFor(): string[] {
    return this.#pending ? [this.#pending.entry.name] : []
  }

  set(rules: ExternalAuthorization | undefined): void {
    const before = this.#pending
    if (rules) {
      const onChange = (): void => this.#advance()
      this.#pending = { rules, entry: this.#clusters.acquire(rules.service.cluster, onChange), onChange }
    } else {
      this.#pending = undefined
      this.#letGo(this.#inForce)
      this.#inForce = undefined
      this.#current = undefined
    }
    this.#letGo(before)
    this.#advance()
  }

  close(): void {
    this.#letGo(this.#pending)
    this.#letGo(this.#inForce)
    this.#pending = undefined
    this.#inForce = undefined
    this.#current = undefined
  }

  #advance(): void {
    const next = this.#pending
    if (next && next.entry.state !== 'waiting') {
      const before = this.#inForce
      this.#inForce = next
      this.#pending = undefined
      this.#publish(next)
      this.#letGo(before)
    } else if (this.#inForce && this.#inForce.entry.upstream !== this.#current?.cluster) this.#publish(this.#inForce)
  }

  #publish({ rules, entry }: Held): void {
    this.#current = { rules, cluster: entry.upstream }
    this.#onChange()
  }

  #letGo(held: Held | undefined): void {
    if (held) this.#clusters.release(held.entry, held.onChange)
  }
}
