/**
 * A connection at a listener that takes mutual TLS beside plain text: its first bytes tell which it is. They are read by us, so that a
 * caller without TLS is served as if nobody had looked.
 *
 *   reading ──plain, or silent──▶ plain (as without TLS; `strict` refuses it where it is known what it speaks)
 *      └──ClientHello of the mesh──▶ handshake ──▶ secure
 */
import type { Socket } from 'node:net'
import { onBytes, returnBytes } from '#/codec/shared-read.ts'
import type { TimerWheel } from '#/codec/timer-wheel.ts'
import { WheelTimer } from '#/codec/timer-wheel.ts'
import { type MutualTlsMode, meshNameSuffix } from '#/model/mutual-tls.ts'
import { maybeTls, readClientHello } from '#/proxy/stream/client-hello.ts'
import type { TlsEntrance, TlsPeer } from '#/proxy/tls/tls-entrance.ts'
import type { HttpConnection } from './http-entrance.ts'

export interface MeshEntranceOptions {
  mode: MutualTlsMode
  /** TLS of an application's own may come: only a server name of the mesh tells which it is. */
  mayBeOpaque: boolean
  /** A silent client may wait for the server to speak, ms; 0 where nobody speaks before the client. */
  silenceMs: number
  /** Rejects with the reason why there can be no TLS now. */
  openTls: () => Promise<TlsEntrance>
  wheel: TimerWheel
  enterPlain: (socket: Socket, onClosed: () => void) => HttpConnection
  enterSecure: (socket: Socket, peer: TlsPeer, onClosed: () => void) => HttpConnection
  onHandshakeFailed: (detail: string) => void
  /** Called once when the connection is gone. */
  onClosed: () => void
}

const noBytes = Buffer.alloc(0)

export class MeshEntrance implements HttpConnection {
  readonly #socket: Socket
  readonly #options: MeshEntranceOptions
  readonly #timer = new WheelTimer(() => this.#becomePlain())
  #bytes: Buffer | undefined
  #inner: HttpConnection | undefined
  #isReading = true
  #isDraining = false
  #isClosed = false

  constructor(socket: Socket, options: MeshEntranceOptions) {
    this.#socket = socket
    this.#options = options
    socket.on('end', this.#onLost)
    socket.on('error', this.#onLost)
    socket.on('close', this.#onClose)
    if (options.silenceMs > 0) options.wheel.set(this.#timer, options.silenceMs)
    onBytes(socket, (chunk) => this.#onBytes(chunk))
  }

  get isIdle(): boolean {
    return this.#inner?.isIdle ?? true
  }

  drain(): void {
    this.#isDraining = true
    if (this.#inner) this.#inner.drain()
    else if (this.#isReading) this.#socket.destroy()
  }

  destroy(): void {
    if (this.#inner) this.#inner.destroy()
    else this.#socket.destroy()
  }

  #onBytes(chunk: Buffer): void {
    if (!this.#isReading) return
    this.#bytes = this.#bytes ? Buffer.concat([this.#bytes, chunk]) : Buffer.from(chunk)
    if (!maybeTls(this.#bytes)) this.#becomePlain()
    else if (!this.#options.mayBeOpaque && this.#options.mode !== 'disabled') this.#becomeSecure()
    else this.#readHello(this.#bytes)
  }

  #readHello(bytes: Buffer): void {
    const { mode, wheel } = this.#options
    const hello = readClientHello(bytes)
    // It has spoken: what is left of its hello is waited for by the time that TLS has.
    if (hello.type === 'more') wheel.cancel(this.#timer)
    else if (hello.type === 'hello' && (mode === 'strict' || hello.serverName.endsWith(meshNameSuffix)))
      this.#becomeSecure()
    else this.#becomePlain()
  }

  #becomePlain(): void {
    const bytes = this.#stopReading()
    returnBytes(this.#socket, bytes)
    const { enterPlain } = this.#options
    this.#leave()
    this.#inner = enterPlain(this.#socket, this.#options.onClosed)
    if (this.#isDraining) this.#inner.drain()
  }

  /** Not within the call that reads: whoever reads the connection is about to be another one. */
  #becomeSecure(): void {
    const hello = this.#stopReading()
    this.#options.openTls().then(
      (tls) => this.#handshake(tls, hello),
      (error: unknown) => {
        this.#options.onHandshakeFailed(error instanceof Error ? error.message : String(error))
        this.#socket.destroy()
      },
    )
  }

  #handshake(tls: TlsEntrance, hello: Buffer): void {
    if (this.#isClosed) return
    const { enterSecure, onClosed, onHandshakeFailed } = this.#options
    const socket = this.#socket
    socket.removeListener('end', this.#onLost)
    // TLS takes what waits in the socket before it reads on.
    socket.unshift(hello)
    tls.accept(socket, {
      onSecure: (secure, peer) => {
        if (this.#isClosed) {
          secure.destroy()
          return
        }
        socket.removeListener('close', this.#onClose)
        this.#inner = enterSecure(secure, peer, onClosed)
        if (this.#isDraining) this.#inner.drain()
      },
      onHandshakeFailed,
    })
  }

  /** @returns what was read, for whoever reads next. */
  #stopReading(): Buffer {
    this.#isReading = false
    this.#options.wheel.cancel(this.#timer)
    const socket = this.#socket
    socket.removeAllListeners('data')
    socket.pause()
    const bytes = this.#bytes ?? noBytes
    this.#bytes = undefined
    return bytes
  }

  #leave(): void {
    this.#socket.removeListener('end', this.#onLost)
    this.#socket.removeListener('error', this.#onLost)
    this.#socket.removeListener('close', this.#onClose)
  }

  readonly #onLost = (): void => {
    this.#socket.destroy()
  }

  readonly #onClose = (): void => {
    this.#isClosed = true
    this.#options.wheel.cancel(this.#timer)
    this.#options.onClosed()
  }
}
