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
import type { XdsNode } from '../node.ts'
import type { ResourceKind } from '../resources/resource.ts'
import { typeUrls } from '../resources/resource.ts'
import type { GrpcStream } from '../transport/client/grpc-stream.ts'
import type { DiscoveredResource, DiscoveryResponse } from './discovery-message.ts'
import { decodeDeltaResponse, decodeSotwResponse, encodeDeltaRequest, encodeSotwRequest } from './discovery-message.ts'
import type { ResourceSource, ResourceWatcher, Subscription } from './resource-source.ts'
import { TypeState, wildcard } from './type-state.ts'
import { typeStatus, type XdsClientOptions, type XdsClientStatus } from './xds-client-options.ts'

const kinds = Object.keys(typeUrls) as ResourceKind[]
const service = '/envoy.service.discovery.v3.AggregatedDiscoveryService'
/** After this time without an answer a named resource does not exist (state of the world only), ms. */
const missingAfterMs = 15_000

type AnyTypeState = TypeState<ResourceKind>

export class XdsClient implements ResourceSource {
  readonly #options: XdsClientOptions
  readonly #types: Record<ResourceKind, AnyTypeState>
  #stream: Pick<GrpcStream, 'send' | 'close'> | undefined
  #isOpen = false
  #isStopped = false
  #isFlushScheduled = false
  #hasToldNode = false
  #attempt = 0
  #sinceMs: number
  #retry: Timer | undefined
  readonly #missingTimers = new Map<string, Timer>()

  constructor(options: XdsClientOptions) {
    this.#options = options
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
    for (const timer of this.#missingTimers.values()) timer.cancel()
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
    this.#hasToldNode = false
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
    for (const kind of kinds) {
      const type = this.#types[kind]
      type.restart()
      if (type.names.length === 0) continue
      if (this.#options.protocol === 'sotw') this.#sendSotw(type)
      else this.#sendDelta(type, { subscribe: type.names, unsubscribe: [], initialVersions: type.known.versions() })
    }
  }

  #closed(code: number, message: string): void {
    if (this.#isStopped) return
    const wasOpen = this.#isOpen
    this.#isOpen = false
    this.#stream = undefined
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
      if (this.#isOpen) for (const kind of kinds) this.#flush(this.#types[kind])
    })
  }

  #flush(type: AnyTypeState): void {
    const { subscribe, unsubscribe } = type.takeUntold()
    if (subscribe.length === 0 && unsubscribe.length === 0) return
    if (this.#options.protocol === 'sotw') this.#sendSotw(type)
    else this.#sendDelta(type, { subscribe, unsubscribe })
  }

  #sendDelta(
    type: AnyTypeState,
    request: {
      subscribe?: string[]
      unsubscribe?: string[]
      initialVersions?: Map<string, string>
      nonce?: string
      errorMessage?: string
    },
  ): void {
    const { subscribe = [], unsubscribe = [], initialVersions = new Map(), nonce = '', errorMessage } = request
    this.#stream?.send(
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
    for (const name of names) this.#expect(type, name)
    this.#stream?.send(
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

  /** State of the world has no word for "does not exist": silence is taken for it (xDS protocol, "Knowing when a requested resource does not exist"). */
  #expect(type: AnyTypeState, name: string): void {
    const key = `${type.kind} ${name}`
    if (type.known.find(name) || this.#missingTimers.has(key)) return
    const timer = this.#options.clock.after(
      missingAfterMs,
      () => {
        this.#missingTimers.delete(key)
        if (!type.known.find(name)) type.notifyMissing(name, [])
      },
      true,
    )
    this.#missingTimers.set(key, timer)
  }

  #onMessage(message: Uint8Array): void {
    const isDelta = this.#options.protocol === 'delta'
    let response: DiscoveryResponse
    try {
      response = isDelta ? decodeDeltaResponse(message) : decodeSotwResponse(message)
    } catch (error) {
      this.#options.log.error('the control plane sent what is no discovery response', { reason: String(error) })
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
    this.#answer(type, response, faults, isDelta)
    this.#options.lastGood?.save(() => this.#allKnown())
    for (const name of changed) type.notifyResource(name)
    for (const { name, aliases } of missing) type.notifyMissing(name, aliases)
    if (!type.isSynced && faults.length === 0) type.notifySynced()
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
      body: isSame ? before.body : Buffer.from(body),
      value: isSame ? before.value : decoded.value,
    })
    const hasNewAlias = before !== undefined && aliases.some((alias) => !before.aliases.includes(alias))
    return { name, isChanged: !isSame || hasNewAlias }
  }

  #answer(type: AnyTypeState, response: DiscoveryResponse, faults: string[], isDelta: boolean): void {
    type.nonce = response.nonce
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
    const { subscribe, unsubscribe } = type.takeUntold()
    if (isDelta)
      this.#sendDelta(type, {
        subscribe,
        unsubscribe,
        nonce: response.nonce,
        ...(errorMessage === undefined ? {} : { errorMessage }),
      })
    else this.#sendSotw(type, errorMessage)
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
