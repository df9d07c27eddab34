/**
 * A request for a tunnel that came in HTTP/2 (RFC 9113 section 8.5), as a socket: what reads and writes a connection does so
 * with the stream too, for the bytes of its DATA frames are the tunnel's.
 *
 *   asked ──established: 200──▶ open ──both ends, each by END_STREAM──▶ closed
 *     └──refused: an answer──▶ closed      └──lost──▶ closed by RST_STREAM, CONNECT_ERROR
 */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { unknownLength } from '#/codec/message.ts'
import { owned } from '#/codec/shared-read.ts'
import type { ResetReason, ServerSink, ServerStream } from '#/codec/stream.ts'
import { rescue } from '#/proxy/rescue.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import type { TunnelClient } from './entrance-options.ts'

type Done = (error?: Error | null) => void

export class TunnelSocket extends Duplex implements ServerSink, TunnelClient {
  readonly remoteAddress: string
  bytesRead = 0
  bytesWritten = 0
  readonly #stream: ServerStream
  #isGone = false
  #isRefused = false
  #isReset = false
  /** A write, or the end, that waits for the peer. */
  #writeDone: Done | undefined
  #endDone: Done | undefined

  constructor(stream: ServerStream) {
    super({ allowHalfOpen: true })
    this.#stream = stream
    this.remoteAddress = stream.remoteAddress
    // Nothing is read before somebody asks for it.
    stream.pause()
  }

  get asSocket(): Socket {
    return this as unknown as Socket
  }

  // What becomes of the request.

  onEstablished(): void {
    if (this.#isGone) return
    this.#stream.writeHead({ status: 200, headers: [], bodyLength: unknownLength, upgrade: '' }, false)
  }

  onRefused(code: ErrorCodeName, detail: string): void {
    if (this.#isGone) return
    this.#isRefused = true
    const { head, body } = rescue({ code, detail }, { mayTell: true, grpcType: '' })
    this.#stream.writeHead(head, false)
    if (body) this.#stream.writeData(body)
    this.#stream.writeEnd()
  }

  // What comes from the client.

  onData(chunk: Uint8Array): void {
    this.bytesRead += chunk.length
    if (!this.push(owned(chunk))) this.#stream.pause()
  }

  onEnd(): void {
    this.push(null)
  }

  onReset(_reason: ResetReason): void {
    this.#isGone = true
    this.destroy()
  }

  override _read(): void {
    if (!this.#isGone) this.#stream.resume()
  }

  // What goes to the client.

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.bytesWritten += chunk.length
    // Until there is room the chunk is the stream's.
    if (this.#isGone || this.#stream.writeData(chunk)) done()
    else this.#writeDone = done
  }

  override _final(done: Done): void {
    if (this.#isGone) {
      done()
      return
    }
    this.#endDone = done
    this.#stream.writeEnd()
  }

  onWritable(): void {
    const done = this.#writeDone
    this.#writeDone = undefined
    done?.()
  }

  onFinished(): void {
    if (this.#isRefused) {
      this.#isGone = true
      this.destroy()
      return
    }
    const done = this.#endDone
    this.#endDone = undefined
    done?.()
  }

  // What ends it.

  /** As a socket's: the peer learns that it was no end. */
  resetAndDestroy(): this {
    this.#isReset = true
    return this.destroy()
  }

  override _destroy(error: Error | null, done: Done): void {
    const isWhole = this.readableEnded && this.writableFinished
    // A refusal is on its way; it ends the stream by itself.
    if (!this.#isGone && !this.#isRefused && !isWhole) {
      this.#isGone = true
      this.#stream.reset(this.#isReset ? 'connection-lost' : 'cancelled')
    }
    done(error)
  }
}
