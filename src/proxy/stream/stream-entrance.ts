/**
 * A connection of which it is not known, or known otherwise, that it speaks HTTP.
 *
 *   planning ──http──▶ HTTP (its codec takes over)
 *      ├────tcp──▶ stream
 *      ├────tls──▶ reading ──ClientHello──▶ stream
 *      └────auto──▶ reading ──the client's first bytes──▶ HTTP, or stream
 *                      └── the endpoint speaks first, or nobody in time ──▶ stream
 */
import type { Socket } from 'node:net'
import { onBytes } from '#/codec/shared-read.ts'
import { WheelTimer } from '#/codec/timer-wheel.ts'
import { mutualTlsModeAt } from '#/model/mutual-tls.ts'
import type { HttpConnection } from '#/proxy/listener/http-entrance.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import type { HostPort } from '#/std/host-port.ts'
import { formatHostPort } from '#/std/host-port.ts'
import { type ConnectionPlan, planByServerName, planConnection } from './connection-plan.ts'
import type { StreamEntranceOptions, TunnelClient } from './entrance-options.ts'
import { readFirstBytes } from './first-bytes.ts'
import { mayDialEarly, questionOf } from './stream-access.ts'
import { type DetectionOutcome, newStreamRecord } from './stream-record.ts'
import { StreamSession } from './stream-session.ts'

/** While the client is silent for so long its endpoint is dialled: it may be the one to speak first. ms. */
const silenceMs = 10
const noBytes = Buffer.alloc(0)
const plainText = 'the caller speaks plain text'

export class StreamEntrance implements HttpConnection {
  readonly #socket: Socket
  readonly #options: StreamEntranceOptions
  readonly #startMs: number
  readonly #timer = new WheelTimer(() => this.#onTime())
  #plan: ConnectionPlan | undefined
  #cancelPlan: () => void = () => undefined
  #http: HttpConnection | undefined
  #session: StreamSession | undefined
  #bytes: Buffer = noBytes
  #isReading = false
  #isDraining = false
  /** Until it is told. */
  #tunnel: TunnelClient | undefined
  #isClosed = false
  /** The port is strict, and the caller speaks plain text: requests are told so, streams closed. */
  readonly #isUnauthenticated: boolean

  constructor(socket: Socket, options: StreamEntranceOptions) {
    this.#socket = socket
    this.#options = options
    this.#startMs = options.context.clock.monotonicMs()
    this.#tunnel = options.tunnel
    const { mutualTls } = options.entry.listener
    const mode = mutualTlsModeAt(mutualTls, options.original?.port)
    this.#isUnauthenticated = mode === 'strict' && options.tls?.mesh === undefined
    options.entry.wake()
    socket.on('error', this.#onLost)
    socket.on('close', this.#onLost)
    const { entry, original, context } = options
    this.#cancelPlan = planConnection({
      entry,
      original,
      isTunnel: options.tunnel !== undefined,
      context,
      onPlan: (plan) => this.#follow(plan),
      onNoPlan: (code, detail) => {
        context.events.onMalformed(entry.name, code, detail)
        if (!this.#refuseTunnel(code, detail)) this.destroy()
      },
    })
  }

  get isIdle(): boolean {
    return this.#http ? this.#http.isIdle : this.#session === undefined
  }

  /** Streams have the time that draining takes; they have no word for an end that is near. */
  drain(): void {
    this.#isDraining = true
    if (this.#http) this.#http.drain()
    else if (!this.#session) this.destroy()
  }

  destroy(): void {
    if (this.#http) this.#http.destroy()
    else if (this.#session) this.#session.destroy('draining', 'the proxy ends')
    else this.#socket.destroy()
  }

  #follow(plan: ConnectionPlan): void {
    if (this.#isClosed) return
    this.#plan = plan
    if (this.#isUnauthenticated && plan.protocol !== 'http' && plan.protocol !== 'auto') {
      this.#refuse(plainText, 'mtls_required')
      return
    }
    if (plan.protocol === 'tcp' && plan.streams) {
      this.#openSession('')
      this.#session?.release(undefined, undefined)
      return
    }
    // It has to speak before it is known where to.
    this.#admitTunnel()
    if (plan.protocol === 'http' || !plan.streams) this.#becomeHttp()
    else this.#readOn()
  }

  #admitTunnel(): void {
    this.#tunnel?.onEstablished()
    this.#tunnel = undefined
  }

  /** @returns whether there is somebody who could be told. */
  #refuseTunnel(code: ErrorCodeName, detail: string): boolean {
    const tunnel = this.#tunnel
    this.#tunnel = undefined
    tunnel?.onRefused(code, detail)
    return tunnel !== undefined
  }

  // Finding out.

  #readOn(): void {
    this.#isReading = true
    const { context } = this.#options
    const { detectTimeoutMs, requestHeaderTimeoutMs } = context.settings
    this.#socket.on('end', this.#onEnd)
    onBytes(this.#socket, (chunk) => this.#onBytes(chunk))
    const isTls = this.#plan!.protocol === 'tls'
    context.wheel.set(this.#timer, isTls ? requestHeaderTimeoutMs : Math.min(silenceMs, detectTimeoutMs))
  }

  #onBytes(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#bytes, chunk])
    const reading = readFirstBytes(this.#bytes)
    const isTls = this.#plan!.protocol === 'tls'
    if (reading.type === 'more') return
    if (reading.type === 'tls') this.#decide('tls', reading.serverName)
    else if (isTls) this.#refuse('the connection is no TLS')
    else this.#decide(reading.type, '')
  }

  /** First the endpoint is dialled, then, when nobody has spoken, the bytes are opaque. */
  #onTime(): void {
    if (this.#plan!.protocol === 'tls') {
      this.#refuse('no whole ClientHello in time')
      return
    }
    const { context } = this.#options
    if (this.#isUnauthenticated) {
      this.#refuse(plainText, 'mtls_required')
      return
    }
    const leftMs = context.settings.detectTimeoutMs - (context.clock.monotonicMs() - this.#startMs)
    if (leftMs <= 0) {
      this.#decide('timeout', '')
      return
    }
    const isSilent = !this.#session && this.#bytes.length === 0
    if (isSilent && mayDialEarly(this.#plan!.streams!, this.#options, this.#socket)) this.#openSession('')
    if (this.#isReading) context.wheel.set(this.#timer, leftMs)
  }

  /** The endpoint of a silent client is connected: whichever side speaks now decides. */
  #awaitEndpoint(): void {
    const endpoint = this.#session?.endpoint
    if (!endpoint || !this.#isReading) return
    onBytes(endpoint, (greeting) => {
      if (this.#isReading) this.#decide('server-first', '', Buffer.from(greeting))
    })
  }

  #decide(outcome: DetectionOutcome, serverName: string, greeting?: Buffer): void {
    this.#stopReading()
    const { context, entry } = this.#options
    context.events.onDetected?.(entry.name, outcome, context.clock.monotonicMs() - this.#startMs)
    if (outcome === 'http') {
      this.#session?.abandon()
      this.#session = undefined
      this.#becomeHttp()
      return
    }
    if (this.#isUnauthenticated) {
      this.#refuse(plainText, 'mtls_required')
      return
    }
    // Until the endpoint takes them nothing more is asked for; what reads next goes on.
    this.#socket.pause()
    // One that was dialled for a silent client knew no server name, which may lead elsewhere.
    if (outcome === 'tls' && this.#session) {
      this.#session.abandon()
      this.#session = undefined
    }
    const { unknown } = this.#plan!
    const { original, tunnel } = this.#options
    if (unknown && serverName !== '' && original && !tunnel) this.#planAnew({ host: serverName, port: original.port })
    else {
      if (unknown && original) context.events.onUnknownHost?.(formatHostPort(original), 'stream', unknown)
      this.#release(serverName, greeting)
    }
  }

  /** Who knows not the address may know the server name. */
  #planAnew(host: HostPort): void {
    const { context } = this.#options
    const onPlan = (plan: ConnectionPlan): void => {
      if (this.#isClosed) return
      this.#plan = plan
      if (plan.unknown) context.events.onUnknownHost?.(formatHostPort(host), 'stream', plan.unknown)
      if (!plan.unknown) this.#openSession(host.host, host)
      this.#release(host.host, undefined)
    }
    this.#cancelPlan = planByServerName({ context, onPlan }, { host, fallback: this.#plan! })
  }

  #release(serverName: string, greeting: Buffer | undefined): void {
    if (!this.#session) this.#openSession(serverName)
    const early = this.#bytes.length > 0 ? this.#bytes : undefined
    this.#bytes = noBytes
    this.#session?.release(early, greeting)
  }

  #stopReading(): void {
    this.#isReading = false
    this.#options.context.wheel.cancel(this.#timer)
    this.#socket.removeListener('end', this.#onEnd)
  }

  #refuse(detail: string, code: ErrorCodeName = 'bad_request'): void {
    this.#stopReading()
    const { context, entry } = this.#options
    context.events.onMalformed(entry.name, code, detail)
    this.#socket.destroy()
  }

  // What it is.

  #becomeHttp(): void {
    const { enterHttp } = this.#options
    const socket = this.#socket
    socket.removeListener('error', this.#onLost)
    socket.removeListener('close', this.#onLost)
    socket.removeAllListeners('data')
    this.#http = enterHttp(socket, this.#bytes.length > 0 ? this.#bytes : undefined)
    this.#bytes = noBytes
    if (this.#isDraining) this.#http.drain()
  }

  /** @param named the host that its server name has led to. */
  #openSession(serverName: string, named?: HostPort): void {
    const { context, original } = this.#options
    const session = new StreamSession({
      client: this.#socket,
      record: newStreamRecord({ ...this.#options, socket: this.#socket, startMs: this.#startMs }),
      streams: this.#plan!.streams!,
      original,
      named,
      context,
      question: questionOf(this.#options, this.#socket),
      access: this.#options.entry.access,
      onConnected: () => this.#admitTunnel(),
      onRefused: (code, detail) => this.#refuseTunnel(code, detail),
      onEndpoint: () => this.#awaitEndpoint(),
      onEnd: () => this.#onSessionEnd(),
    })
    this.#session = session
    session.open(serverName)
  }

  // What ends it.

  /** The client has ended before it was known what it speaks: what it sent is opaque, and a stream can be half closed. */
  readonly #onEnd = (): void => {
    if (this.#plan!.protocol === 'tls') this.#refuse('the connection ended within its ClientHello')
    else if (this.#bytes.length > 0 || this.#session) this.#decide('opaque', '')
    else this.#socket.destroy()
  }

  readonly #onLost = (): void => {
    if (this.#session || this.#isClosed) {
      // A session sees to both its sockets, once it has the second.
      if (this.#session && !this.#session.endpoint) this.#session.destroy('client_gone', 'the client left')
      else if (this.#isReading) this.#session?.destroy('client_gone', 'the client left')
      return
    }
    this.#end()
  }

  #onSessionEnd(): void {
    this.#end()
  }

  #end(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#stopReading()
    this.#cancelPlan()
    this.#options.onClosed()
  }
}
