/**
 * Bytes both ways between two sockets, each direction ended on its own (RFC 9293 section 3.6), with back pressure.
 *
 *   open ──one side's FIN──▶ half closed ──the other's──▶ closed
 *     └───an error, or nothing moved for too long──────────▲
 */
import type { Socket } from 'node:net'
import { countLargeChunk } from '#/codec/buffer-collection.ts'
import { onBytes, owned } from '#/codec/shared-read.ts'
import type { TimerWheel } from '#/codec/timer-wheel.ts'
import { WheelTimer } from '#/codec/timer-wheel.ts'

/** Why it ended: both sides are through, one of them was lost, or nothing moved. */
export type PipeEnd = 'whole' | 'client-lost' | 'endpoint-lost' | 'idle'

export interface BytePipeOptions {
  client: Socket
  endpoint: Socket
  /** Coarse. */
  wheel: TimerWheel
  idleMs: number
  /** Called once, when both sockets are closed or about to be. */
  onEnd: (end: PipeEnd) => void
}

/** Larger chunks were read into buffers of their own, which are garbage when they have left. */
const largeBytes = 16_384

export class BytePipe {
  readonly #options: BytePipeOptions
  readonly #idle: WheelTimer
  /** From the client, and to it. */
  receivedBytes = 0
  sentBytes = 0
  #movedBefore = 0
  #isOver = false

  constructor(options: BytePipeOptions) {
    this.#options = options
    this.#idle = new WheelTimer(() => this.#look())
  }

  /** @param early what the client has sent already; @param greeting what the endpoint has. */
  start(early: Buffer | undefined, greeting: Buffer | undefined): void {
    const { client, endpoint, wheel, idleMs } = this.#options
    wheel.set(this.#idle, idleMs)
    endpoint.on('drain', () => client.resume())
    client.on('drain', () => endpoint.resume())
    client.on('end', () => this.#ended(client, endpoint))
    endpoint.on('end', () => this.#ended(endpoint, client))
    client.on('error', () => this.#finish('client-lost'))
    endpoint.on('error', () => this.#finish('endpoint-lost'))
    client.on('close', () => this.#closed('client-lost'))
    endpoint.on('close', () => this.#closed('endpoint-lost'))
    if (early) this.#toEndpoint(early)
    if (greeting) this.#toClient(greeting)
    for (const socket of [client, endpoint]) socket.removeAllListeners('data')
    onBytes(client, (chunk) => this.#toEndpoint(chunk))
    onBytes(endpoint, (chunk) => this.#toClient(chunk))
  }

  /** Cuts both sides. */
  destroy(): void {
    this.#finish('idle')
  }

  #toEndpoint(chunk: Buffer): void {
    this.receivedBytes += chunk.length
    if (!write(this.#options.endpoint, chunk)) this.#options.client.pause()
  }

  #toClient(chunk: Buffer): void {
    this.sentBytes += chunk.length
    if (!write(this.#options.client, chunk)) this.#options.endpoint.pause()
  }

  #ended(from: Socket, to: Socket): void {
    if (!to.writableEnded) to.end()
    // A socket that waits for room brings no end; one that ended has nothing to wait for.
    if (from.writableEnded) this.#checkWhole()
  }

  #checkWhole(): void {
    const { client, endpoint } = this.#options
    if (client.readableEnded && endpoint.readableEnded) this.#isWhole = true
  }

  #isWhole = false

  #closed(end: PipeEnd): void {
    const { client, endpoint } = this.#options
    const isWhole = this.#isWhole || (client.readableEnded && endpoint.readableEnded)
    if (!isWhole) this.#finish(end)
    else if (client.closed && endpoint.closed) this.#finish('whole')
  }

  #look(): void {
    const moved = this.receivedBytes + this.sentBytes
    if (moved === this.#movedBefore) {
      this.#finish('idle')
      return
    }
    this.#movedBefore = moved
    this.#options.wheel.set(this.#idle, this.#options.idleMs)
  }

  #finish(end: PipeEnd): void {
    if (this.#isOver) return
    this.#isOver = true
    const { client, endpoint, wheel, onEnd } = this.#options
    wheel.cancel(this.#idle)
    if (end !== 'whole') {
      // The other side must not take what it got for everything.
      for (const socket of [client, endpoint]) {
        if (socket.readableEnded && socket.writableFinished) socket.destroy()
        else if (!socket.destroyed) socket.resetAndDestroy()
      }
    }
    onEnd(end)
  }
}

function write(socket: Socket, chunk: Buffer): boolean {
  if (socket.destroyed || socket.writableEnded) return true
  if (chunk.length >= largeBytes) countLargeChunk(chunk.length)
  return socket.write(owned(chunk))
}
