/** Finds an endpoint for a stream that takes the connection: nothing was sent yet, so that another one may be tried. */
import type { Socket } from 'node:net'
import type { ProxyContext } from '#/proxy/proxy-context.ts'
import type { DialOwner } from '#/proxy/upstream/dial.ts'
import { Dial } from '#/proxy/upstream/dial.ts'
import type { UpstreamCluster, UpstreamSlot } from '#/proxy/upstream/upstream-cluster.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import type { HostPort } from '#/std/host-port.ts'
import type { AddressPair } from './proxy-header.ts'
import { formatProxyHeader } from './proxy-header.ts'

/** Endpoints that are tried for one connection. */
const attemptsMax = 3

export interface EndpointDialOwner {
  /** The slot is acquired; the owner releases it. */
  onEndpoint(socket: Socket, slot: UpstreamSlot): void
  onNoEndpoint(code: ErrorCodeName, detail: string): void
}

export interface EndpointDialOptions {
  cluster: UpstreamCluster
  /** What a redirected connection was made to: where a passthrough goes. */
  original: HostPort | undefined
  /** The host that its server name has led to, when nobody knew the address. */
  named: HostPort | undefined
  /** For the PROXY header of clusters that want one. */
  client: AddressPair | undefined
  owner: EndpointDialOwner
  context: ProxyContext
}

export class EndpointDial implements DialOwner {
  readonly #options: EndpointDialOptions
  readonly #tried: UpstreamSlot[] = []
  #slot: UpstreamSlot | undefined
  #dial: Dial | undefined
  #isOver = false

  constructor(options: EndpointDialOptions) {
    this.#options = options
  }

  get attempts(): number {
    return this.#tried.length
  }

  start(): void {
    const slot = this.#pick()
    if (slot) this.#try(slot)
    else this.#fail('no_healthy_upstream', `${this.#options.cluster.name} has no ready endpoint`)
  }

  /** The owner hears nothing more. */
  cancel(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#dial?.cancel()
    this.#slot?.release(false)
  }

  onDialed(_dial: Dial, socket: Socket): void {
    this.#isOver = true
    const { cluster, context, owner } = this.#options
    context.events.onUpstreamConnection(cluster.name)
    socket.once('close', () => context.events.onUpstreamConnectionClosed(cluster.name))
    owner.onEndpoint(socket, this.#slot!)
  }

  onDialFailed(_dial: Dial, code: ErrorCodeName, detail: string): void {
    const { cluster, context } = this.#options
    const slot = this.#slot!
    slot.release(true)
    this.#slot = undefined
    context.events.onUpstreamConnectFailed(cluster.name, slot.key, detail)
    const next = this.#tried.length < attemptsMax ? this.#pick() : undefined
    if (next) this.#try(next)
    else this.#fail(code, `${slot.key}: ${detail}`)
  }

  #pick(): UpstreamSlot | undefined {
    const { cluster, original, named } = this.#options
    if (!cluster.isDynamic) return cluster.pick(this.#tried)
    const target = cluster.model.discovery.type === 'dynamic' ? (named ?? original) : original
    return target && this.#tried.length === 0 ? cluster.slotFor(target) : undefined
  }

  #try(slot: UpstreamSlot): void {
    const { cluster, context, client } = this.#options
    this.#tried.push(slot)
    slot.acquire()
    this.#slot = slot
    const { address, port } = slot.endpoint
    const { discovery, connectTimeoutMs, proxyProtocol } = cluster.model
    const tls = cluster.tlsTo(slot.endpoint)
    this.#dial = new Dial(
      {
        target: { host: address, port },
        timeoutMs: Math.min(connectTimeoutMs, context.limits.connectTimeoutMs),
        mayLoop: discovery.type !== 'eds' && discovery.type !== 'static',
        tls,
        peer: cluster.peerAt(slot.endpoint, true),
        tickets: tls && !cluster.isDynamic ? cluster.ticketsOf(slot) : [],
        preamble: proxyProtocol && formatProxyHeader(proxyProtocol, client),
        owner: this,
      },
      context,
    )
  }

  #fail(code: ErrorCodeName, detail: string): void {
    this.#isOver = true
    this.#options.owner.onNoEndpoint(code, detail)
  }
}
