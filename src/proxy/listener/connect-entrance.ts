/**
 * A client that asks for a tunnel in HTTP/1.1 (RFC 9110 section 9.3.6): CONNECT to a host and port is a connection to that destination,
 * as if it had been redirected. What is inside is found out as it is of any other connection, so that requests inside are
 * routed as requests, and a CONNECT inside is refused.
 *
 *   reading ──whole head──▶ tunnel (StreamEntrance), which answers 200, or says why not
 *      └── malformed, late ──▶ closed with an answer
 */
import type { Socket } from 'node:net'
import { describeError, FramingFault } from '#/codec/http1/fault.ts'
import { HeadBuffer } from '#/codec/http1/head-buffer.ts'
import type { Http1Limits } from '#/codec/http1/limits.ts'
import { refusalText } from '#/codec/http1/refusal.ts'
import { parseConnectHead } from '#/codec/http1/request-head.ts'
import { onBytes, returnBytes } from '#/codec/shared-read.ts'
import type { TimerWheel } from '#/codec/timer-wheel.ts'
import { WheelTimer } from '#/codec/timer-wheel.ts'
import type { TunnelClient } from '#/proxy/stream/entrance-options.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import type { HostPort } from '#/std/host-port.ts'
import { parseHostPort } from '#/std/host-port.ts'
import type { HttpConnection } from './http-entrance.ts'

export interface ConnectEntranceOptions {
  limits: Http1Limits
  wheel: TimerWheel
  /** Takes the connection over; it tells the client whether the tunnel stands. */
  openTunnel: (socket: Socket, target: HostPort, client: TunnelClient) => HttpConnection
  onMalformed: (code: ErrorCodeName, detail: string) => void
  /** Called once when the connection is gone, unless a tunnel has taken over. */
  onClosed: () => void
}

const connectStart = Buffer.from('CONNECT ')
const established = 'HTTP/1.1 200 Connection established\r\n\r\n'

/** @returns whether the first bytes of a connection ask for a tunnel; undefined when there are too few to tell. */
export function asksForTunnel(bytes: Buffer): boolean | undefined {
  const length = Math.min(bytes.length, connectStart.length)
  if (bytes.compare(connectStart, 0, length, 0, length) !== 0) return false
  return length === connectStart.length ? true : undefined
}

export class ConnectEntrance implements HttpConnection, TunnelClient {
  readonly #socket: Socket
  readonly #options: ConnectEntranceOptions
  readonly #head: HeadBuffer
  readonly #timer: WheelTimer
  #tunnel: HttpConnection | undefined

  /** @param early the first bytes, read already. */
  constructor(socket: Socket, early: Buffer, options: ConnectEntranceOptions) {
    this.#socket = socket
    this.#options = options
    const { limits, wheel } = options
    this.#head = new HeadBuffer({ limits, maySkipLine: true })
    this.#timer = new WheelTimer(() => this.#timeOut())
    wheel.set(this.#timer, limits.headerTimeoutMs)
    socket.on('end', this.#onLost)
    socket.on('error', this.#onLost)
    socket.on('close', this.#onClose)
    onBytes(socket, this.#onData)
    this.#onData(early)
  }

  get isIdle(): boolean {
    return this.#tunnel?.isIdle ?? true
  }

  drain(): void {
    if (this.#tunnel) this.#tunnel.drain()
    else this.#socket.destroy()
  }

  destroy(): void {
    if (this.#tunnel) this.#tunnel.destroy()
    else this.#socket.destroy()
  }

  // What becomes of the tunnel.

  onEstablished(): void {
    this.#socket.write(established)
  }

  onRefused(code: ErrorCodeName, detail: string): void {
    const socket = this.#socket
    socket.end(refusalText(code, detail), () => socket.destroySoon())
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#tunnel) return
    try {
      if (!this.#head.take(chunk, 0)) return
      const target = readTarget(this.#head.text, this.#options.limits)
      this.#open(target, chunk.subarray(this.#head.next))
    } catch (error) {
      const isFraming = error instanceof FramingFault
      this.#refuse(isFraming ? error.code : 'extension_failed', isFraming ? error.message : describeError(error))
    }
  }

  #open(target: HostPort, rest: Buffer): void {
    const socket = this.#socket
    this.#letGo()
    // What a client sends without waiting for the answer waits for whoever reads the tunnel.
    socket.pause()
    returnBytes(socket, rest)
    this.#tunnel = this.#options.openTunnel(socket, target, this)
  }

  #timeOut(): void {
    this.#refuse('request_header_timeout', `no whole head in ${this.#options.limits.headerTimeoutMs} ms`)
  }

  #refuse(code: ErrorCodeName, detail: string): void {
    const { onMalformed, wheel } = this.#options
    wheel.cancel(this.#timer)
    onMalformed(code, detail)
    this.onRefused(code, code === 'extension_failed' ? '' : detail)
  }

  readonly #onLost = (): void => {
    this.#socket.destroy()
  }

  readonly #onClose = (): void => {
    this.#options.wheel.cancel(this.#timer)
    this.#options.onClosed()
  }

  #letGo(): void {
    const socket = this.#socket
    this.#options.wheel.cancel(this.#timer)
    socket.removeListener('data', this.#onData)
    socket.removeListener('end', this.#onLost)
    socket.removeListener('error', this.#onLost)
    socket.removeListener('close', this.#onClose)
  }
}

/** @throws FramingFault */
function readTarget(text: string, limits: Http1Limits): HostPort {
  const target = tunnelTarget(parseConnectHead(text, limits))
  if (!target) throw new FramingFault('bad_request', 'CONNECT names no host with a port')
  return target
}

/** What CONNECT names; undefined for what has no port. */
export function tunnelTarget(authority: string): HostPort | undefined {
  const target = parseHostPort(authority.toLowerCase())
  // A dot at the end says that the name is complete (RFC 1034 section 3.1), which changes nothing here.
  return target && { host: target.host.replace(/\.$/, ''), port: target.port }
}
