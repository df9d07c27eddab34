/** One resource type on one stream: what the client wants, what it was sent, what it acknowledged. */
import type { ResourceKind } from '../resources/resource.ts'

export interface Nack {
  /** Milliseconds since 1970. */
  atMs: number
  version: string
  message: string
}

/** A response that awaits its ACK or NACK. */
interface InFlight {
  nonce: string
  version: string
  versions: ReadonlyMap<string, string>
  removed: readonly string[]
}

export class TypeSubscription {
  readonly kind: ResourceKind
  /** Names asked for, aliases as they were asked. */
  readonly names = new Set<string>()
  isWildcard = false
  /** The client has spoken of this type. */
  isActive = false
  /** Canonical name → version, as sent last. */
  readonly sent = new Map<string, string>()
  readonly acknowledged = new Map<string, string>()
  /** Asked name → canonical name, as told. */
  readonly told = new Map<string, string>()
  /** Asked names of which the client knows that there is nothing. */
  readonly missing = new Set<string>()
  nack: Nack | undefined
  #inFlight: InFlight | undefined

  constructor(kind: ResourceKind) {
    this.kind = kind
  }

  get isWaiting(): boolean {
    return this.#inFlight !== undefined
  }

  begin(response: InFlight): void {
    this.#inFlight = response
    for (const [name, version] of response.versions) this.sent.set(name, version)
    for (const name of response.removed) {
      this.sent.delete(name)
      this.acknowledged.delete(name)
    }
  }

  /** @returns false for a nonce that is not of the response in flight: it is stale and says nothing. */
  answer(nonce: string, error: string | undefined, atMs: number): boolean {
    const response = this.#inFlight
    if (!response || response.nonce !== nonce) return false
    this.#inFlight = undefined
    if (error === undefined) {
      for (const [name, version] of response.versions) this.acknowledged.set(name, version)
      this.nack = undefined
    } else this.nack = { atMs, version: response.version, message: error }
    return true
  }

  unsubscribe(asked: string): void {
    if (asked === '*') this.isWildcard = false
    this.names.delete(asked)
    this.missing.delete(asked)
    const canonical = this.told.get(asked)
    this.told.delete(asked)
    if (canonical === undefined || this.isWildcard) return
    if ([...this.told.values()].includes(canonical)) return
    this.sent.delete(canonical)
    this.acknowledged.delete(canonical)
  }
}
