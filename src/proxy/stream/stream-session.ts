/** A stream of opaque bytes: its route, its endpoint, its bytes, its record. */
import type { Socket } from 'node:net'
import { breakOff } from '#/codec/break-off.ts'
import type { StreamRoute } from '#/model/listener.ts'
import type { AccessTable } from '#/proxy/policy/access/access-table.ts'
import type { ProxyContext } from '#/proxy/proxy-context.ts'
import { overloadDetail } from '#/proxy/step/overload.ts'
import type { UpstreamCluster, UpstreamSlot } from '#/proxy/upstream/upstream-cluster.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import { errorCodes } from '#/std/errors.ts'
import type { HostPort } from '#/std/host-port.ts'
import { BytePipe, type PipeEnd } from './byte-pipe.ts'
import { EndpointDial, type EndpointDialOwner } from './endpoint-dial.ts'
import type { AddressPair } from './proxy-header.ts'
import { type ConnectionQuestion, tableOf } from './stream-access.ts'
import type { StreamRecord } from './stream-record.ts'
import { drawBackend, findStreamRoute, type WarmStreams } from './stream-table.ts'

export interface StreamSessionOptions {
  client: Socket
  record: StreamRecord
  streams: WarmStreams
  /** What a redirected connection was made to. */
  original: HostPort | undefined
  /** The host that its server name has led to, when nobody knew the address. */
  named: HostPort | undefined
  context: ProxyContext
  /** Who connects. */
  question: ConnectionQuestion
  /** Of the listener, where the route says nothing of it. */
  access: AccessTable | undefined
  /** The endpoint is connected, and nothing has flown yet. */
  onConnected: () => void
  /** The client is to be told why there is no endpoint. @returns false when it can't be told. */
  onRefused: (code: ErrorCodeName, detail: string) => boolean
  /** The endpoint has sent its first bytes, or is connected and silent. */
  onEndpoint: () => void
  /** Called once, when it is over. */
  onEnd: () => void
}

const pipeEnds: Record<Exclude<PipeEnd, 'whole'>, { code: ErrorCodeName; detail: string }> = {
  'client-lost': { code: 'client_gone', detail: 'the client broke the connection off' },
  'endpoint-lost': { code: 'upstream_reset', detail: 'the endpoint broke the connection off' },
  idle: { code: 'request_timeout', detail: 'no byte moved for too long' },
}

export class StreamSession implements EndpointDialOwner {
  readonly #options: StreamSessionOptions
  #cluster: UpstreamCluster | undefined
  #dial: EndpointDial | undefined
  #slot: UpstreamSlot | undefined
  #endpoint: Socket | undefined
  #pipe: BytePipe | undefined
  /** The client's bytes may go: it was found out that they are opaque. */
  #early: Buffer | undefined
  #isReleased = false
  #isOver = false

  constructor(options: StreamSessionOptions) {
    this.#options = options
  }

  /** The endpoint is connected. */
  get endpoint(): Socket | undefined {
    return this.#endpoint
  }

  /** @param serverName from a ClientHello, empty for none. */
  open(serverName: string): void {
    const { streams, record, original } = this.#options
    record.serverName = serverName
    if (this.#options.context.memory.isShort) {
      this.#fail('overloaded', overloadDetail)
      return
    }
    if (streams.refusal) {
      this.#fail(streams.refusal.code, streams.refusal.detail)
      return
    }
    const route = findStreamRoute(streams.routes, { serverName, port: original?.port })
    if (route) this.#route(route)
    else if (serverName === '') this.#fail('route_not_found', 'no route takes this connection')
    else this.#fail('route_not_found', `no route takes the server name ${serverName}`)
  }

  #route(route: StreamRoute): void {
    const { record, context, streams } = this.#options
    record.routeName = route.name
    if (!this.#mayConnect(route)) return
    const backend = drawBackend(route, context.random)
    if (backend?.type !== 'cluster') {
      this.#fail('invalid_backend', backend ? backend.reason : 'all weights are 0')
      return
    }
    const cluster = streams.clusters.get(backend.cluster)
    if (cluster) this.#connect(cluster)
    else this.#fail('cluster_not_found', `the control plane has no cluster ${backend.cluster}`)
  }

  #mayConnect(route: StreamRoute): boolean {
    const { record, question } = this.#options
    const table = tableOf(route, this.#options.access)
    if (!table) return true
    record.auditedBy = table.audit(question)
    const { isAllowed, rule } = table.decide(question)
    if (isAllowed) return true
    record.deniedBy = rule
    if (rule === '') this.#fail('no_rule_allows', 'no rule of the policies here allows the connection')
    else this.#fail('access_denied', `${rule} denies the connection`)
    return false
  }

  #connect(cluster: UpstreamCluster): void {
    const { record, context, original, named, client } = this.#options
    record.cluster = cluster.model
    this.#cluster = cluster
    const addresses = cluster.model.proxyProtocol && addressesOf(client, original)
    this.#dial = new EndpointDial({ cluster, original, named, client: addresses, owner: this, context })
    this.#dial.start()
  }

  onEndpoint(socket: Socket, slot: UpstreamSlot): void {
    const { record, onEndpoint, context } = this.#options
    this.#endpoint = socket
    this.#slot = slot
    record.attempts = this.#dial!.attempts
    record.endpoint = slot.endpoint
    if (record.direction === 'outbound') {
      record.peer = slot.endpoint.workload
      record.peerPrincipal = this.#cluster!.principalOf(slot.endpoint)
    }
    this.#options.onConnected()
    if (this.#isReleased) this.#run(undefined)
    else {
      socket.on('error', this.#endpointLost)
      socket.on('close', this.#endpointLost)
      onEndpoint()
    }
    if (!this.#isOver) context.events.onStreamOpen?.(record)
  }

  onNoEndpoint(code: ErrorCodeName, detail: string): void {
    this.#options.record.attempts = this.#dial!.attempts
    this.#fail(code, detail)
  }

  readonly #endpointLost = (): void => {
    this.#fail('upstream_reset', 'the endpoint closed the connection before a byte was sent')
  }

  /**
   * The bytes are opaque: they flow as soon as there is an endpoint.
   * @param early what the client has sent; @param greeting what the endpoint has.
   */
  release(early: Buffer | undefined, greeting: Buffer | undefined): void {
    if (this.#isOver) return
    this.#isReleased = true
    this.#early = early
    if (this.#endpoint) this.#run(greeting)
  }

  #run(greeting: Buffer | undefined): void {
    const { client, context } = this.#options
    const endpoint = this.#endpoint!
    endpoint.removeListener('error', this.#endpointLost)
    endpoint.removeListener('close', this.#endpointLost)
    if (client.destroyed) {
      this.#fail('client_gone', 'the client left before the endpoint was connected')
      return
    }
    this.#pipe = new BytePipe({
      client,
      endpoint,
      wheel: context.coarseWheel,
      idleMs: context.settings.streamIdleMs,
      onEnd: (end) => this.#ended(end),
    })
    this.#pipe.start(this.#early, greeting)
    this.#early = undefined
  }

  #ended(end: PipeEnd): void {
    const { record } = this.#options
    if (end !== 'whole') {
      record.code = pipeEnds[end].code
      record.detail = pipeEnds[end].detail
      record.flags = end === 'endpoint-lost' ? 'UC' : end === 'client-lost' ? 'DC' : 'SI'
    }
    this.#conclude(end !== 'whole' && end !== 'client-lost')
  }

  #fail(code: ErrorCodeName, detail: string): void {
    if (this.#isOver) return
    const { record, client, onRefused } = this.#options
    record.code = code
    record.detail = detail
    record.flags = errorCodes[code].flag
    this.#endpoint?.destroy()
    // A reset tells a client more than an end that could be the server's word.
    if (!client.destroyed && !onRefused(code, detail)) breakOff(client)
    this.#conclude(true)
  }

  /** It is none: the client spoke HTTP. Nothing of it stays, and nothing is told. */
  abandon(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#dial?.cancel()
    this.#slot?.release(false)
    if (this.#endpoint) {
      this.#endpoint.removeListener('close', this.#endpointLost)
      this.#endpoint.destroy()
    }
  }

  /** Cuts it. */
  destroy(code: ErrorCodeName, detail: string): void {
    if (this.#pipe) {
      this.#options.record.code = code
      this.#options.record.detail = detail
      this.#pipe.destroy()
    } else {
      this.#dial?.cancel()
      this.#fail(code, detail)
    }
  }

  #conclude(isFailure: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    const { record, context, onEnd } = this.#options
    this.#slot?.release(isFailure)
    record.receivedBytes = this.#pipe?.receivedBytes ?? 0
    record.sentBytes = this.#pipe?.sentBytes ?? 0
    record.durationMs = context.clock.monotonicMs() - record.startMs
    context.events.onStreamEnd?.(record)
    onEnd()
  }
}

function addressesOf(client: Socket, original: HostPort | undefined): AddressPair {
  const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = client
  const source = { host: remoteAddress, port: remotePort }
  return { source, destination: original ?? { host: localAddress, port: localPort } }
}
