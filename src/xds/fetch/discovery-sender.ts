/** What a client says on one stream: wishes, ACKs and NACKs, in either variant of the protocol. */
import type { XdsNode } from '../node.ts'
import type { ResourceKind } from '../resources/resource.ts'
import type { GrpcStream } from '../transport/client/grpc-stream.ts'
import { encodeDeltaRequest, encodeSotwRequest } from './discovery-message.ts'
import type { MissingWatch } from './missing-watch.ts'
import { type TypeState, wildcard } from './type-state.ts'

type AnyTypeState = TypeState<ResourceKind>

export interface DiscoverySenderOptions {
  stream: Pick<GrpcStream, 'send'>
  node: XdsNode
  protocol: 'delta' | 'sotw'
  missing: MissingWatch
}

interface DeltaRequest {
  subscribe: string[]
  unsubscribe: string[]
  initialVersions?: Map<string, string>
  nonce?: string
  errorMessage?: string | undefined
}

export class DiscoverySender {
  readonly #options: DiscoverySenderOptions
  #hasToldNode = false

  constructor(options: DiscoverySenderOptions) {
    this.#options = options
  }

  /** All that is wanted and known: the first request of the type on a stream. */
  begin(type: AnyTypeState): void {
    type.restart()
    if (type.names.length === 0) return
    if (this.#options.protocol === 'sotw') this.#sendSotw(type)
    else this.#sendDelta(type, { subscribe: type.names, unsubscribe: [], initialVersions: type.known.versions() })
  }

  /** Wishes that have changed, if any have. */
  flush(type: AnyTypeState): void {
    const { subscribe, unsubscribe } = type.takeUntold()
    if (subscribe.length === 0 && unsubscribe.length === 0) return
    if (this.#options.protocol === 'sotw') this.#sendSotw(type)
    else this.#sendDelta(type, { subscribe, unsubscribe })
  }

  /** ACK of the answer whose nonce the type holds; NACK with an error message. */
  answer(type: AnyTypeState, errorMessage: string | undefined): void {
    const { subscribe, unsubscribe } = type.takeUntold()
    if (this.#options.protocol === 'sotw') this.#sendSotw(type, errorMessage)
    else this.#sendDelta(type, { subscribe, unsubscribe, nonce: type.nonce, errorMessage })
  }

  #sendDelta(type: AnyTypeState, request: DeltaRequest): void {
    const { subscribe, unsubscribe, initialVersions = new Map(), nonce = '', errorMessage } = request
    this.#options.stream.send(
      encodeDeltaRequest({
        ...this.#nodeOnce(),
        typeUrl: type.typeUrl,
        subscribe,
        unsubscribe,
        initialVersions,
        responseNonce: nonce,
        ...(errorMessage === undefined ? {} : { errorMessage }),
      }),
    )
  }

  #sendSotw(type: AnyTypeState, errorMessage?: string): void {
    const names = type.isWanted(wildcard) ? [] : type.names
    for (const name of names) this.#options.missing.expect(type, name)
    this.#options.stream.send(
      encodeSotwRequest({
        ...this.#nodeOnce(),
        typeUrl: type.typeUrl,
        versionInfo: type.version,
        names,
        responseNonce: type.nonce,
        ...(errorMessage === undefined ? {} : { errorMessage }),
      }),
    )
  }

  #nodeOnce(): { node?: XdsNode } {
    if (this.#hasToldNode) return {}
    this.#hasToldNode = true
    return { node: this.#options.node }
  }
}
