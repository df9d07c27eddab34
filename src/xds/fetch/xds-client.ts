/**
 * The proxy's side of xDS: one aggregated stream, delta or state of the world, to one of several control planes.
 * What was accepted stays until the control plane says otherwise: a lost stream changes nothing.
 *
 *   loaded from file ─▶ connecting ─▶ connected ─▶ (lost) backing off ─▶ connecting …
 *
 * Source: xDS REST and gRPC protocol (envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol). As it allows, good resources of
 * an answer that also holds bad ones are applied, in both variants; the NACK names every bad one.
 */
import type { Timer } from '#/std/clock.ts'
import type { HostPort } from '#/std/host-port.ts'
import { formatHostPort } from '#/std/host-port.ts'
import type { ResourceKind } from '../resources/resource.ts'
import { typeUrls } from '../resources/resource.ts'
import type { GrpcStream } from '../transport/client/grpc-stream.ts'
import type { DiscoveredResource, DiscoveryResponse } from './discovery-message.ts'
import { decodeDeltaResponse, decodeSotwResponse } from './discovery-message.ts'
import { DiscoverySender } from './discovery-sender.ts'
import { MissingWatch } from './missing-watch.ts'
import type { ResourceSource, ResourceWatcher, Subscription } from './resource-source.ts'
import { TypeState } from './type-state.ts'
import { typeStatus, type XdsClientOptions, type XdsClientStatus } from './xds-client-options.ts'

const kinds = Object.keys(typeUrls) as ResourceKind[]
const service = '/envoy.service.discovery.v3.AggregatedDiscoveryService'

type AnyTypeState = TypeState<ResourceKind>

export class XdsClient implements ResourceSource {
  readonly #options: XdsClientOptions
  readonly #types: Record<ResourceKind, AnyTypeState>
  #stream: Pick<GrpcStream, 'send' | 'close'> | undefined
  #sender: DiscoverySender | undefined
  #isOpen = false
  #isStopped = false
  #isFlushScheduled = false
  #attempt = 0
  #sinceMs: number
  #retry: Timer | undefined
  readonly #missing: MissingWatch
  /**
   * Called when the watchers have been told of an answer; it is acknowledged when `done` is called, in the order of the answers.
   * Absent: what is decoded is acknowledged, before the watchers hear of it.
   */
  onTold: ((done: () => void) => void) | undefined

  constructor(options: XdsClientOptions) {
    this.#options = options
    this.#missing = new MissingWatch(options.clock)
    this.#sinceMs = options.clock.wallMs()
    const newState = (kind: ResourceKind): AnyTypeState =>
      new TypeState({ kind, typeUrl: typeUrls[kind], onChange: () => this.#scheduleFlush() })
    this.#types = Object.fromEntries(kinds.map((kind) => [kind, newState(kind)])) as Record<ResourceKind, AnyTypeState>
    for (const { kind, ...resource } of options.lastGood?.load() ?? [])
      this.#accept(this.#types[kind], { ...resource, typeUrl: '' })
    for (const type of Object.values(this.#types)) type.isSynced = type.known.size > 0
  }

  /** Begins to connect. */
  start(): void {
    this.#connect()
  }

  stop(): void {
    this.#isStopped = true
    this.#retry?.cancel()
    this.#missing.stop()
    this.#stream?.close()
    this.#options.lastGood?.flush()
  }

  subscribe<K extends ResourceKind>(kind: K, name: string, watcher: ResourceWatcher<K>): Subscription {
    return (this.#types[kind] as unknown as TypeState<K>).subscribe(name, watcher)
  }

  get status(): XdsClientStatus {
    const reports = kinds.map((kind) => [kind, typeStatus(this.#types[kind])])
    return {
      isConnected: this.#isOpen,
      address: formatHostPort(this.#address()),
      sinceMs: this.#sinceMs,
      reconnects: Math.max(0, this.#attempt - 1),
      types: Object.fromEntries(reports) as XdsClientStatus['types'],
    }
  }

  #address(): HostPort {
    return this.#options.addresses[Math.max(0, this.#attempt - 1) % this.#options.addresses.length]!
  }

  #connect(): void {
    this.#attempt++
    const { protocol, openStream } = this.#options
    const method = protocol === 'delta' ? 'DeltaAggregatedResources' : 'StreamAggregatedResources'
    this.#stream = openStream({
      address: this.#address(),
      path: `${service}/${method}`,
      onOpen: () => this.#opened(),
      onMessage: (message) => this.#onMessage(message),
      onClosed: ({ code, message }) => this.#closed(code, message),
    })
  }

  #opened(): void {
    this.#isOpen = true
    this.#sinceMs = this.#options.clock.wallMs()
    this.#options.log.info('connected to the control plane', { address: formatHostPort(this.#address()) })
    const { node, protocol } = this.#options
    const stream = this.#stream!
    this.#sender = new DiscoverySender({ stream, node, protocol, missing: this.#missing })
    for (const kind of kinds) this.#sender.begin(this.#types[kind])
  }

  #closed(code: number, message: string): void {
    if (this.#isStopped) return
    const wasOpen = this.#isOpen
    this.#isOpen = false
    this.#stream = undefined
    this.#sender = undefined
    // Who is not there does not tell by silence either (gRFC A57).
    this.#missing.stop()
    const { backoff, clock, log } = this.#options
    if (wasOpen) this.#sinceMs = clock.wallMs()
    const delayMs = backoff.next()
    log.warn('lost the control plane; the last configuration stays in force', {
      code,
      reason: message,
      retryMs: Math.round(delayMs),
    })
    this.#retry = clock.after(delayMs, () => this.#connect())
  }

  #scheduleFlush(): void {
    if (this.#isFlushScheduled) return
    this.#isFlushScheduled = true
    setImmediate(() => {
      this.#isFlushScheduled = false
      if (this.#isOpen) for (const kind of kinds) this.#sender?.flush(this.#types[kind])
    })
  }

  #onMessage(message: Uint8Array): void {
    const isDelta = this.#options.protocol === 'delta'
    let response: DiscoveryResponse
    try {
      response = isDelta ? decodeDeltaResponse(message) : decodeSotwResponse(message)
    } catch (error) {
      // It waits for an answer that can't be given: only a new stream goes on.
      this.#options.log.error('the control plane sent what is no discovery response', { reason: String(error) })
      this.#stream?.close()
      return
    }
    const type = Object.values(this.#types).find(({ typeUrl }) => typeUrl === response.typeUrl)
    if (!type) {
      this.#options.log.warn('the control plane sent a type that nobody asked for', { type: response.typeUrl })
      return
    }
    this.#options.backoff.reset()
    this.#apply(type, response, isDelta)
  }

  #apply(type: AnyTypeState, response: DiscoveryResponse, isDelta: boolean): void {
    const faults: string[] = []
    const changed: string[] = []
    const present = new Set<string>()
    for (const resource of response.resources) {
      const outcome = this.#accept(type, resource)
      if (outcome.faults) faults.push(...outcome.faults.map((fault) => `${outcome.name}: ${fault}`))
      else if (outcome.isChanged) changed.push(outcome.name)
      present.add(outcome.name)
    }
    const removed = isDelta ? response.removed : this.#absent(type, present)
    const missing = removed.map((name) => ({ name, aliases: type.known.delete(name)?.aliases ?? [] }))
    const errorMessage = this.#judge(type, response, faults)
    if (!this.onTold) this.#answer(type, response, errorMessage)
    this.#options.lastGood?.save(() => this.#allKnown())
    for (const name of changed) type.notifyResource(name)
    for (const { name, aliases } of missing) type.notifyMissing(name, aliases)
    if (!type.isSynced && faults.length === 0) type.notifySynced()
    const sender = this.#sender
    // An answer of a stream that was lost meanwhile is answered no more: its nonce means nothing to the next.
    this.onTold?.(() => this.#sender === sender && this.#answer(type, response, errorMessage))
  }

  /** Listeners and clusters that a whole answer leaves out are gone; routes and endpoints are not (xDS protocol). */
  #absent(type: AnyTypeState, present: ReadonlySet<string>): string[] {
    if (type.kind !== 'listener' && type.kind !== 'cluster') return []
    return [...type.known.values()].map(({ name }) => name).filter((name) => !present.has(name))
  }

  #accept(type: AnyTypeState, resource: DiscoveredResource): { name: string; isChanged?: boolean; faults?: string[] } {
    if (!resource.body) return { name: resource.name, isChanged: false }
    const decoded = this.#options.decoders[type.kind](resource.body)
    if (!decoded.ok) return { name: resource.name || decoded.name, faults: decoded.faults }
    const name = resource.name || decoded.value.name
    const before = type.known.find(name)
    const isSame = before !== undefined && Buffer.compare(before.body, resource.body) === 0
    const { aliases, version, body } = resource
    type.known.set({
      name,
      aliases,
      version,
      // In memory of its own: a piece of the pool of `Buffer.from` would keep all 64 KB of it.
      body: isSame ? before.body : new Uint8Array(body),
      value: isSame ? before.value : decoded.value,
    })
    const hasNewAlias = before !== undefined && aliases.some((alias) => !before.aliases.includes(alias))
    return { name, isChanged: !isSame || hasNewAlias }
  }

  /** @returns what the NACK says; undefined for an ACK. */
  #judge(type: AnyTypeState, response: DiscoveryResponse, faults: string[]): string | undefined {
    const errorMessage = faults.length > 0 ? faults.join('; ') : undefined
    if (errorMessage === undefined) {
      type.acks++
      type.version = response.versionInfo
      type.rejection = undefined
    } else {
      type.nacks++
      type.rejection = { atMs: this.#options.clock.wallMs(), version: response.versionInfo, faults }
      this.#options.log.warn('rejected configuration; the last good one stays', {
        type: type.kind,
        faults: errorMessage,
      })
    }
    return errorMessage
  }

  #answer(type: AnyTypeState, { nonce }: DiscoveryResponse, errorMessage: string | undefined): void {
    type.nonce = nonce
    this.#sender?.answer(type, errorMessage)
  }

  #allKnown() {
    return kinds.flatMap((kind) =>
      [...this.#types[kind].known.values()].map(({ name, aliases, version, body }) => ({
        kind,
        name,
        aliases: [...aliases],
        version,
        body,
      })),
    )
  }
}
