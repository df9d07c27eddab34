/**
 * One gRPC stream on one HTTP/2 connection of its own: all that a proxy needs to talk to its control plane, over the codec that
 * carries requests (docs/decisions/0004-small-proxy.md). Source: gRPC over HTTP/2 protocol.
 *
 *   connecting ──▶ open ──▶ closed (always told once, with a gRPC status)
 */
import type { Socket } from 'node:net'
import net from 'node:net'
import { Http2ClientConnection } from '#/codec/http2/client-connection.ts'
import { defaultHttp2Limits, type Http2Limits } from '#/codec/http2/limits.ts'
import { type HeaderList, type RequestHead, type ResponseHead, unknownLength } from '#/codec/message.ts'
import type { ClientSink, ClientStream, ResetReason } from '#/codec/stream.ts'
import { TimerWheel } from '#/codec/timer-wheel.ts'
import type { Clock, Timer } from '#/std/clock.ts'
import { systemClock } from '#/std/clock.ts'
import type { HostPort } from '#/std/host-port.ts'
import { formatHostPort } from '#/std/host-port.ts'
import type { GrpcStatus } from './grpc-status.ts'
import { grpcCodes, readGrpcStatus } from './grpc-status.ts'
import { frameMessage, MessageReader } from './message-reader.ts'

export interface GrpcStreamOptions {
  address: HostPort
  /** `/package.Service/Method`. */
  path: string
  onOpen?: () => void
  /** A whole message; the bytes are the callee's. */
  onMessage: (message: Uint8Array) => void
  /** Called once, also when the connection could not be made. */
  onClosed: (status: GrpcStatus) => void
  /** Longest message accepted, bytes. */
  messageBytesMax?: number
  /** Makes the socket, half-open; `node:net` without TLS unless given. */
  dial?: (address: HostPort) => Socket
  /** `dial` makes a TLS socket: the stream opens when the handshake is done. */
  isSecure?: boolean
  /** Sent with the call. */
  headers?: HeaderList
  clock?: Clock
}

/** A control plane that a packet filter hides is given up well before the system does (two minutes). */
const connectTimeoutMs = 10_000
/** Big enough that a first snapshot of thousands of resources never waits for a window update. */
const windowBytes = 16 * 1024 * 1024

const limits: Http2Limits = {
  ...defaultHttp2Limits,
  streamWindowBytes: windowBytes,
  streamWindowBytesMax: windowBytes,
  bufferedBytesMax: windowBytes,
  // A control plane that has just started and encodes thousands of resources answers late.
  settingsTimeoutMs: 30_000,
  keepaliveMs: 30_000,
}

export class GrpcStream {
  readonly #options: Required<GrpcStreamOptions>
  readonly #socket: Socket
  readonly #messages: MessageReader
  readonly #connectTimer: Timer
  #connection: Http2ClientConnection | undefined
  #stream: ClientStream | undefined
  #isClosed = false

  constructor(options: GrpcStreamOptions) {
    this.#options = {
      messageBytesMax: 64 * 1024 * 1024,
      onOpen: () => undefined,
      dial: ({ host, port }) => net.connect({ host, port, noDelay: true, allowHalfOpen: true }),
      clock: systemClock,
      isSecure: false,
      headers: [],
      ...options,
    }
    this.#messages = new MessageReader(this.#options.messageBytesMax)
    this.#connectTimer = this.#options.clock.after(connectTimeoutMs, () => this.#onConnectTimeout(), true)
    this.#socket = this.#options.dial(options.address)
    this.#socket.on(this.#options.isSecure ? 'secureConnect' : 'connect', () => this.#open())
    this.#socket.on('error', (error) => this.#lost(error.message))
    this.#socket.on('close', () => this.#lost('the connection was closed'))
  }

  /** Sends one message; waits in memory while the peer's window is full. Without effect before `onOpen` and once closed. */
  send(message: Uint8Array): void {
    if (!this.#isClosed) this.#stream?.writeData(frameMessage(message))
  }

  /** Says that no message follows; the answer may still come. */
  finish(): void {
    if (!this.#isClosed) this.#stream?.writeEnd()
  }

  /** Ends the stream; `onClosed` tells status 1 (cancelled). */
  close(): void {
    this.#close({ code: grpcCodes.cancelled, message: 'cancelled' })
  }

  #open(): void {
    if (this.#isClosed) return
    this.#connectTimer.cancel()
    const { clock, onOpen } = this.#options
    // When the server says that it goes away: a stream that has more to tell is told first. It may let streams finish that it
    // knows, but ours never does by itself, so we move on.
    const onClosed = (): void => void setImmediate(() => this.#lost('the control plane goes away'))
    const owner = { onIdle: () => undefined, onClosed }
    const wheel = new TimerWheel({ tickMs: 1000, clock })
    this.#connection = new Http2ClientConnection(this.#socket, { owner, limits, wheel, clock })
    try {
      this.#stream = this.#connection.request(this.#head(), this.#newSink(), false)
    } catch (error) {
      this.#close({ code: grpcCodes.internal, message: String(error) })
      return
    }
    onOpen()
  }

  #head(): RequestHead {
    const { address, path, isSecure, headers } = this.#options
    return {
      method: 'POST',
      scheme: isSecure ? 'https' : 'http',
      authority: formatHostPort(address),
      path,
      headers: ['content-type', 'application/grpc+proto', 'user-agent', 'weft', ...headers],
      version: 'HTTP/2',
      bodyLength: unknownLength,
      upgrade: '',
      expectsContinue: false,
      acceptsTrailers: true,
      isAbsolute: false,
    }
  }

  #newSink(): ClientSink {
    return {
      onInformational: () => undefined,
      onHead: (head, isEnd) => this.#onHead(head, isEnd),
      onData: (chunk) => this.#onData(chunk),
      onEnd: (trailers) => this.#onEnd(trailers),
      onReset: (reason, { detail }) => this.#onReset(reason, detail),
      onWritable: () => undefined,
    }
  }

  #onHead({ status, headers }: ResponseHead, isEnd: boolean): void {
    const said = readGrpcStatus(headers)
    if (said) this.#close(said)
    else if (status !== 200) this.#lost(`answered with HTTP status ${status}`)
    else if (isEnd) this.#onEnd(undefined)
  }

  #onData(chunk: Uint8Array): void {
    for (const message of this.#messages.read(chunk)) {
      if (this.#isClosed) return
      this.#options.onMessage(message)
    }
  }

  #onEnd(trailers: HeaderList | undefined): void {
    const unsaid = { code: grpcCodes.unknown, message: 'the stream ended without a status' }
    this.#close(readGrpcStatus(trailers ?? []) ?? unsaid)
  }

  #onReset(reason: ResetReason, detail: string): void {
    if (reason === 'protocol-error') this.#close({ code: grpcCodes.internal, message: detail })
    else this.#lost(detail)
  }

  #onConnectTimeout(): void {
    this.#lost(`no connection in ${connectTimeoutMs} ms`)
  }

  #lost(message: string): void {
    this.#close({ code: grpcCodes.unavailable, message })
  }

  #close(status: GrpcStatus): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#connectTimer.cancel()
    this.#stream?.reset('cancelled')
    if (this.#connection) this.#connection.drain()
    else this.#socket.destroy()
    this.#options.onClosed(status)
  }
}
