/**
 * One try to connect to an endpoint: look-up, TCP, TLS, within one time.
 *
 *   connecting ──▶ securing (with TLS) ──▶ onDialed
 *       └── error, time over, loop, cancel ──▶ onDialFailed (cancel: silence)
 *
 * A name with several addresses is tried family by family, 250 ms apart (RFC 8305, as node:net does it).
 */
import type { LookupFunction, Socket } from 'node:net'
import { connect } from 'node:net'
import { linkSharedRead, SharedRead } from '#/codec/shared-read.ts'
import type { TimerWheel } from '#/codec/timer-wheel.ts'
import { WheelTimer } from '#/codec/timer-wheel.ts'
import type { CancelHandshake, HandshakeOwner, PeerExpectation, SessionTickets, TlsExit } from '#/proxy/tls/tls-exit.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import type { HostPort } from '#/std/host-port.ts'
import { formatHostPort } from '#/std/host-port.ts'

export interface DialContext {
  wheel: TimerWheel
  /** The socket leads back to where this proxy takes calls itself. */
  isLoop(socket: Socket): boolean
  /** Absent: the system's. */
  lookup?: LookupFunction
}

export interface DialOptions {
  target: HostPort
  /** Of look-up, connection and handshake together, ms. */
  timeoutMs: number
  /** The target is a name that somebody else chose: it could lead back here. */
  mayLoop: boolean
  tls: TlsExit | undefined
  peer?: PeerExpectation | undefined
  /** Of this endpoint. */
  tickets: SessionTickets
  /** The bytes with which the connection begins, before TLS: a PROXY header. */
  preamble?: Buffer | undefined
  owner: DialOwner
}

/** Told exactly once. */
export interface DialOwner {
  /** @param protocol what ALPN agreed on, empty for nothing. */
  onDialed(dial: Dial, socket: Socket, protocol: string): void
  onDialFailed(dial: Dial, code: ErrorCodeName, detail: string): void
}

/**
 * Half-open, so that a tunnel can end one way first; keep-alive probes find endpoints that vanished without a word. The
 * wait for another family of addresses is RFC 8305's Connection Attempt Delay.
 */
const socketOptions = {
  noDelay: true,
  allowHalfOpen: true,
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
  autoSelectFamily: true,
  autoSelectFamilyAttemptTimeout: 250,
}

export class Dial implements HandshakeOwner {
  readonly #options: DialOptions
  readonly #context: DialContext
  readonly #timer: WheelTimer
  readonly #socket: Socket
  #cancelHandshake: CancelHandshake | undefined
  #isOver = false

  constructor(options: DialOptions, context: DialContext) {
    this.#options = options
    this.#context = context
    const { target, timeoutMs } = options
    // Own timer in place of the socket's: it counts from the start of the look-up, and costs no system timer.
    this.#timer = new WheelTimer(() => this.#timeOut())
    context.wheel.set(this.#timer, timeoutMs)
    const { lookup } = context
    const { host, port } = target
    // TLS reads the socket by itself.
    const onread = options.tls ? undefined : new SharedRead()
    const socket = connect({
      host,
      port,
      ...socketOptions,
      ...(lookup ? { lookup } : {}),
      ...(onread ? { onread } : {}),
    })
    if (onread) linkSharedRead(socket, onread)
    this.#socket = socket
    socket.once('error', (error: NodeJS.ErrnoException) => this.#connectFailed(error))
    socket.once('connect', () => this.#connected())
  }

  /** The owner hears nothing more. */
  cancel(): void {
    this.#finish()
  }

  onSecure(socket: Socket, protocol: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#context.wheel.cancel(this.#timer)
    this.#options.owner.onDialed(this, socket, protocol)
  }

  onHandshakeFailed(code: ErrorCodeName, detail: string): void {
    this.#fail(code, detail)
  }

  #connected(): void {
    const { tls, peer, tickets, mayLoop, target, preamble } = this.#options
    const socket = this.#socket
    if (mayLoop && this.#context.isLoop(socket)) {
      this.#fail('loop_detected', `${formatHostPort(target)} is this proxy's own outbound listener`)
      return
    }
    if (preamble) socket.write(preamble)
    if (tls) {
      // From here on the errors of the socket come through TLS; until it is loaded they must not be lost.
      this.#cancelHandshake = tls.start({ socket, tickets, peer, owner: this })
      return
    }
    socket.removeAllListeners('error')
    this.onSecure(socket, '')
  }

  #connectFailed({ code, message }: NodeJS.ErrnoException): void {
    if (code === 'ENOTFOUND') this.#fail('host_not_found', `${this.#options.target.host} is unknown to DNS`)
    else this.#fail('upstream_connect_failed', code ?? message)
  }

  #timeOut(): void {
    const { timeoutMs } = this.#options
    const isSecuring = this.#cancelHandshake !== undefined
    if (isSecuring) this.#fail('upstream_tls_failed', `no TLS handshake in ${timeoutMs} ms`)
    else this.#fail('upstream_connect_timeout', `no connection in ${timeoutMs} ms`)
  }

  #fail(code: ErrorCodeName, detail: string): void {
    if (this.#finish()) this.#options.owner.onDialFailed(this, code, detail)
  }

  #finish(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    this.#context.wheel.cancel(this.#timer)
    this.#cancelHandshake?.()
    const socket = this.#socket
    socket.removeAllListeners('connect')
    // A late error of a socket that is given up would end the process.
    socket.on('error', () => undefined)
    socket.destroy()
    return true
  }
}
