/** The aggregated discovery service: all clients' streams on one snapshot. */
import type { Clock } from '#/std/clock.ts'
import type { HostPort } from '#/std/host-port.ts'
import type { Log } from '#/std/log.ts'
import type { XdsNode } from '../node.ts'
import type { ResourceKind } from '../resources/resource.ts'
import { GrpcServer, type ServerStreamHandler, type ServerStreamWriter } from '../transport/server/grpc-server.ts'
import type { AdsStream } from './ads-stream.ts'
import { DeltaStream } from './delta-stream.ts'
import type { Snapshot } from './snapshot.ts'
import { SotwStream } from './sotw-stream.ts'
import type { TypeSubscription } from './type-subscription.ts'

/** A client, as the control plane knows it. Kept for a while after its stream is gone. */
export interface KnownClient {
  node: XdsNode
  isConnected: boolean
  /** Milliseconds since 1970 of the last connect or disconnect. */
  sinceMs: number
  types: Record<ResourceKind, TypeSubscription>
}

export interface AdsServerOptions {
  clock: Clock
  log: Log
  /** Clients, subscriptions or acknowledgements changed; told at most once a turn. */
  onChange?: () => void
}

/** What a stream must pass, and how it is turned away. */
interface Gate {
  admit: (node: XdsNode) => string
  refuse: (code: number, message: string) => void
}

/** Clients that went away and are still shown. */
const goneMax = 1000

export class AdsServer {
  readonly #options: AdsServerOptions
  readonly #server: GrpcServer
  readonly #streams = new Set<AdsStream>()
  readonly #gone = new Map<string, KnownClient>()
  #snapshot: Snapshot | undefined
  #isChangeScheduled = false
  pushes = 0
  nacks = 0

  constructor(options: AdsServerOptions) {
    this.#options = options
    this.#server = new GrpcServer((writer, protocol) => this.open(writer, protocol, () => ''))
  }

  /**
   * A stream over a transport of the caller's.
   * @param admit why a node may not be served here; empty when it may. Asked whenever a client says who it is.
   */
  open(writer: ServerStreamWriter, protocol: 'delta' | 'sotw', admit: (node: XdsNode) => string): ServerStreamHandler {
    const { clock } = this.#options
    const stream = new (protocol === 'delta' ? DeltaStream : SotwStream)({
      transport: {
        write: (bytes, onWritten) => {
          this.pushes++
          writer.write(bytes, onWritten)
        },
      },
      clock,
      snapshot: () => this.#snapshot,
      onChange: () => this.#changed(),
    })
    this.#streams.add(stream)
    const refuse = (code: number, message: string): void => writer.end({ code, message })
    return {
      onMessage: (bytes) => this.#receive(stream, bytes, { admit, refuse }),
      onClosed: () => this.#closed(stream),
    }
  }

  listen(address: HostPort): Promise<HostPort> {
    return this.#server.listen(address)
  }

  stop(): void {
    for (const stream of this.#streams) stream.close()
    this.#server.stop()
  }

  /** Serves `snapshot` from now on. */
  publish(snapshot: Snapshot): void {
    this.#snapshot = snapshot
    for (const stream of this.#streams) stream.schedule()
  }

  clients(): KnownClient[] {
    const connected = [...this.#streams].flatMap(({ node, sinceMs, types }) =>
      node ? [{ node, sinceMs, types, isConnected: true }] : [],
    )
    const names = new Set(connected.map(({ node }) => node.id))
    return [...connected, ...[...this.#gone.values()].filter(({ node }) => !names.has(node.id))]
  }

  #receive(stream: AdsStream, bytes: Uint8Array, { admit, refuse }: Gate): void {
    if (!this.#streams.has(stream)) return
    const nodeBefore = stream.node
    const wasKnown = nodeBefore !== undefined
    const before = Object.values(stream.types).map(({ nack }) => nack)
    try {
      stream.receive(bytes)
    } catch (error) {
      refuse(3, `the request is no discovery request: ${error instanceof Error ? error.message : String(error)}`)
      return
    }
    const fault = stream.node && stream.node !== nodeBefore ? admit(stream.node) : ''
    if (fault !== '') {
      this.#options.log.warn('a client was refused', { node: stream.node?.id, reason: fault })
      stream.close()
      this.#streams.delete(stream)
      // Permission denied.
      refuse(7, fault)
      return
    }
    if (!wasKnown && stream.node)
      this.#options.log.info('a proxy connected', { node: stream.node.id, userAgent: stream.node.userAgent })
    Object.values(stream.types).forEach(({ kind, nack }, index) => {
      if (!nack || nack === before[index]) return
      this.nacks++
      this.#options.log.warn('a proxy rejected configuration', {
        node: stream.node?.id,
        type: kind,
        faults: nack.message,
      })
    })
  }

  #closed(stream: AdsStream): void {
    stream.close()
    const wasServed = this.#streams.delete(stream)
    const { node, types } = stream
    if (node && wasServed) {
      this.#gone.delete(node.id)
      this.#gone.set(node.id, { node, types, isConnected: false, sinceMs: this.#options.clock.wallMs() })
      if (this.#gone.size > goneMax) this.#gone.delete(this.#gone.keys().next().value!)
      this.#options.log.info('a proxy disconnected', { node: node.id })
    }
    this.#changed()
  }

  #changed(): void {
    if (this.#isChangeScheduled) return
    this.#isChangeScheduled = true
    setImmediate(() => {
      this.#isChangeScheduled = false
      this.#options.onChange?.()
    })
  }
}
