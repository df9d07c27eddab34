/**
 * Holds bytes that came before their time (further requests of a pipeline, what follows a request to upgrade), and says
 * when the socket may bring more: not while its reader has paused it, and not while too much is held.
 */
import type { Socket } from 'node:net'
import { owned } from '../shared-read.ts'

export class InputGate {
  readonly #socket: Socket
  readonly #bytesMax: number
  #chunks: Buffer[] = []
  #bytes = 0
  #isPaused = false

  /** @param bytesMax held before the socket is paused; one chunk more may come. */
  constructor(socket: Socket, bytesMax: number) {
    this.#socket = socket
    this.#bytesMax = bytesMax
  }

  get isEmpty(): boolean {
    return this.#bytes === 0
  }

  hold(chunk: Buffer, start: number): void {
    this.#chunks.push(owned(start === 0 ? chunk : chunk.subarray(start)))
    this.#bytes += chunk.length - start
    if (this.#bytes > this.#bytesMax) this.#socket.pause()
  }

  /** All that is held, in order; then nothing is. */
  take(): Buffer {
    const chunk = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks)
    this.#chunks = []
    this.#bytes = 0
    if (!this.#isPaused) this.#socket.resume()
    return chunk
  }

  pause(): void {
    this.#isPaused = true
    this.#socket.pause()
  }

  resume(): void {
    this.#isPaused = false
    if (this.#bytes <= this.#bytesMax && this.#socket.isPaused()) this.#socket.resume()
  }

  /** What is held is of no use any more, and neither is what comes. */
  drop(): void {
    this.#chunks = []
    this.#bytes = 0
    this.resume()
  }
}
