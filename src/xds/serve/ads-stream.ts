/**
 * One client's aggregated stream. Changes make it due; at most one response a type waits for its answer, and nothing is
 * written while the transport holds what was written before. So a slow client costs a few sets of names, never a queue.
 */
import type { Clock } from '#/std/clock.ts'
import type { Node } from '#/xds/proto/envoy/config/core/v3/base_pb.ts'
import type { XdsNode } from '../node.ts'
import { type ResourceKind, typeUrls } from '../resources/resource.ts'
import type { ResourceView, Snapshot } from './snapshot.ts'
import { TypeSubscription } from './type-subscription.ts'

/** What a stream needs of its transport. */
export interface StreamTransport {
  /** Calls `onWritten` when the bytes have gone to the peer's window. */
  write(bytes: Uint8Array, onWritten: () => void): void
}

export interface AdsStreamOptions {
  transport: StreamTransport
  clock: Clock
  snapshot: () => Snapshot | undefined
  /** Node, subscriptions or acknowledgements changed. */
  onChange: () => void
}

const kinds = Object.keys(typeUrls) as ResourceKind[]

export abstract class AdsStream {
  readonly #options: AdsStreamOptions
  readonly types: Record<ResourceKind, TypeSubscription>
  readonly sinceMs: number
  node: XdsNode | undefined
  #isScheduled = false
  #isWriting = false
  #isClosed = false
  #nonce = 0

  constructor(options: AdsStreamOptions) {
    this.#options = options
    this.sinceMs = options.clock.wallMs()
    this.types = Object.fromEntries(kinds.map((kind) => [kind, new TypeSubscription(kind)])) as Record<
      ResourceKind,
      TypeSubscription
    >
  }

  /** Takes one request. @throws when the bytes are none. */
  abstract receive(bytes: Uint8Array): void
  /** Sends what is new or changed of a type. @returns true when something was sent. */
  protected abstract pushUpdates(type: TypeSubscription, view: ResourceView): boolean
  protected abstract pushRemovals(type: TypeSubscription, view: ResourceView): boolean

  close(): void {
    this.#isClosed = true
  }

  protected introduce(node: Node): void {
    const metadata: Record<string, string> = {}
    for (const [name, value] of Object.entries(node.metadata ?? {}))
      if (typeof value === 'string') metadata[name] = value
    const userAgentVersion =
      node.userAgentVersionType.case === 'userAgentVersion' ? node.userAgentVersionType.value : ''
    this.node = { id: node.id, cluster: node.cluster, userAgent: node.userAgentName, userAgentVersion, metadata }
  }

  protected typeOf(typeUrl: string): TypeSubscription | undefined {
    const kind = kinds.find((each) => typeUrls[each] === typeUrl)
    return kind && this.types[kind]
  }

  protected nowMs(): number {
    return this.#options.clock.wallMs()
  }

  protected nextNonce(): string {
    return String(++this.#nonce)
  }

  protected snapshotVersion(): string {
    return String(this.#options.snapshot()?.version ?? 0)
  }

  /** Looks, later in this turn, whether anything is to be sent. */
  schedule(): void {
    if (this.#isScheduled || this.#isClosed) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#pump()
      this.#options.onChange()
    })
  }

  protected write(bytes: Uint8Array): void {
    this.#isWriting = true
    this.#options.transport.write(bytes, () => {
      this.#isWriting = false
      this.schedule()
    })
  }

  #pump(): void {
    const snapshot = this.#options.snapshot()
    if (!snapshot || !this.node || this.#isWriting || this.#isClosed) return
    const view = snapshot.view(this.node)
    // Make before break: what is referred to goes first, removals when all that is new was acknowledged.
    for (const kind of kinds) {
      const type = this.types[kind]
      if (type.isActive && !type.isWaiting && this.pushUpdates(type, view)) return
      if (type.isWaiting && kind !== 'route') return
    }
    if (kinds.some((kind) => this.types[kind].isWaiting)) return
    for (const kind of [...kinds].reverse())
      if (this.types[kind].isActive && this.pushRemovals(this.types[kind], view)) return
  }
}
