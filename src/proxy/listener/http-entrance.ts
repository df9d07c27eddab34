/**
 * Which version of HTTP a connection speaks: told by ALPN, else by its first bytes (RFC 9113 section 3.4). Nothing is read
 * twice: the codec that is chosen gets the first chunk as it came.
 *
 *   waiting ──no preface──▶ HTTP/1.1
 *     ├─────preface──▶ HTTP/2
 *     └─────CONNECT──▶ a tunnel
 */
import type { Socket } from 'node:net'
import type { Http1Limits } from '#/codec/http1/limits.ts'
import { Http1ServerConnection } from '#/codec/http1/server-connection.ts'
import { preface } from '#/codec/http2/frame.ts'
import { type H2cUpgrade, readH2cUpgrade, switchingText } from '#/codec/http2/h2c-upgrade.ts'
import type { Http2Limits } from '#/codec/http2/limits.ts'
import { Http2ServerConnection } from '#/codec/http2/server-connection.ts'
import { giveBytes, onBytes } from '#/codec/shared-read.ts'
import type { ServerHandler } from '#/codec/stream.ts'
import type { TimerWheel } from '#/codec/timer-wheel.ts'
import { WheelTimer } from '#/codec/timer-wheel.ts'
import { asksForTunnel } from './connect-entrance.ts'

/** A client's connection, in whatever version. */
export interface HttpConnection {
  /** No request is under way. */
  readonly isIdle: boolean
  /** Closes when the requests under way are done. */
  drain(): void
  destroy(): void
}

export interface HttpEntranceOptions {
  handler: ServerHandler
  http1: Http1Limits
  http2: Http2Limits
  /** Coarse. */
  wheel: TimerWheel
  /** What ALPN agreed on; empty to find out. */
  protocol: string
  /** Takes over a connection that asks for a tunnel; absent where none are made. `early` was read already. */
  enterTunnel?: (socket: Socket, early: Buffer, onClosed: () => void) => HttpConnection
  /** Called once when the connection is gone. */
  onClosed: () => void
}

export class HttpEntrance implements HttpConnection {
  readonly #socket: Socket
  readonly #options: HttpEntranceOptions
  readonly #timer: WheelTimer
  #chosen: HttpConnection | undefined
  #partial: Buffer | undefined

  constructor(socket: Socket, options: HttpEntranceOptions) {
    this.#socket = socket
    this.#options = options
    this.#timer = new WheelTimer(() => this.#timeOut())
    if (options.protocol !== '') {
      this.#choose(options.protocol === 'h2')
      return
    }
    options.wheel.set(this.#timer, options.http1.idleTimeoutMs)
    onBytes(socket, this.#onData)
    socket.on('end', this.#onEnd)
    socket.on('error', this.#onEnd)
    socket.on('close', this.#onClose)
  }

  get isIdle(): boolean {
    return this.#chosen?.isIdle ?? true
  }

  drain(): void {
    if (this.#chosen) this.#chosen.drain()
    else this.#socket.destroy()
  }

  destroy(): void {
    if (this.#chosen) this.#chosen.destroy()
    else this.#socket.destroy()
  }

  readonly #onData = (chunk: Buffer): void => {
    const bytes = this.#partial ? Buffer.concat([this.#partial, chunk]) : chunk
    const length = Math.min(bytes.length, preface.length)
    const isPreface = bytes.compare(preface, 0, length, 0, length) === 0
    const { enterTunnel } = this.#options
    const isTunnel = enterTunnel ? asksForTunnel(bytes) : false
    if ((isPreface && length < preface.length) || isTunnel === undefined) {
      // Counted from the first byte, as the time for the head of a request.
      if (!this.#partial) this.#options.wheel.set(this.#timer, this.#options.http1.headerTimeoutMs)
      this.#partial = Buffer.from(bytes)
      return
    }
    const socket = this.#socket
    socket.removeListener('data', this.#onData)
    socket.removeListener('end', this.#onEnd)
    socket.removeListener('error', this.#onEnd)
    socket.removeListener('close', this.#onClose)
    this.#options.wheel.cancel(this.#timer)
    if (enterTunnel && isTunnel) {
      this.#chosen = enterTunnel(socket, bytes, this.#options.onClosed)
      return
    }
    const upgrade = isPreface ? undefined : readH2cUpgrade(bytes, this.#options.http1)
    if (upgrade) socket.write(switchingText)
    this.#choose(isPreface || upgrade !== undefined, upgrade)
    const rest = upgrade ? upgrade.rest : bytes
    if (rest.length > 0) giveBytes(socket, rest)
  }

  #timeOut(): void {
    const { handler, http1 } = this.#options
    if (this.#partial) {
      handler.onMalformed('request_header_timeout', `no whole preface in ${http1.headerTimeoutMs} ms`)
    } else handler.onIdleClosed?.()
    this.#socket.destroy()
  }

  readonly #onEnd = (): void => {
    this.#socket.destroy()
  }

  readonly #onClose = (): void => {
    this.#options.wheel.cancel(this.#timer)
    this.#options.onClosed()
  }

  #choose(isHttp2: boolean, upgraded?: H2cUpgrade): void {
    const { handler, wheel, http1, http2, onClosed } = this.#options
    this.#chosen = isHttp2
      ? new Http2ServerConnection(this.#socket, {
          handler,
          wheel,
          onClosed,
          limits: http2,
          ...(upgraded ? { upgraded } : {}),
        })
      : new Http1ServerConnection(this.#socket, { handler, wheel, onClosed, limits: http1 })
  }
}
