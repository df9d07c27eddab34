/** Whose bytes leave next: what the connection's window and the room in the output allow, a frame of each stream in turn. */
import { defaultWindowBytes, frameTypes, windowBytesMax } from './frame.ts'
import type { Http2Output } from './output.ts'
import type { PeerSettings } from './settings.ts'
import type { Http2Stream } from './stream.ts'

export class SendScheduler {
  readonly #output: Http2Output
  readonly #peer: PeerSettings
  #window = defaultWindowBytes
  /** DATA frames sent so far. */
  frameCount = 0
  /** Streams with bytes that wait for a window, or a writer that waits for room. */
  readonly #blocked = new Set<Http2Stream>()
  #isPumping = false

  constructor(options: { output: Http2Output; peer: PeerSettings }) {
    this.#output = options.output
    this.#peer = options.peer
  }

  /** @returns false when the window is larger than RFC 9113 section 6.9.1 allows. */
  widen(bytes: number): boolean {
    this.#window += bytes
    return this.#window <= windowBytesMax
  }

  /** Sends what the windows allow of `chunk[from..to)`. @returns where it stopped. */
  send(stream: Http2Stream, chunk: Uint8Array, from: number, to: number): number {
    let at = from
    while (at < to && !this.#output.isFull) {
      const length = Math.min(to - at, this.#peer.frameBytes, stream.sendWindow, this.#window)
      if (length <= 0) break
      this.#output.write(frameTypes.data, 0, stream.id, chunk, at, at + length)
      this.frameCount++
      stream.sendWindow -= length
      this.#window -= length
      at += length
    }
    return at
  }

  block(stream: Http2Stream): void {
    this.#blocked.add(stream)
  }

  remove(stream: Http2Stream): void {
    if (this.#blocked.size > 0) this.#blocked.delete(stream)
  }

  /** A window has opened, or there is room again. */
  pump(): void {
    if (this.#isPumping || this.#blocked.size === 0) return
    this.#isPumping = true
    try {
      for (let hasMoved = true; hasMoved && !this.#output.isFull; ) {
        hasMoved = false
        for (const stream of [...this.#blocked]) {
          hasMoved = this.#sendSome(stream) || hasMoved
          if (this.#output.isFull) break
        }
      }
    } finally {
      this.#isPumping = false
    }
  }

  /** @returns whether there may be more to send. */
  #sendSome(stream: Http2Stream): boolean {
    if (stream.isOver) {
      this.#blocked.delete(stream)
      return false
    }
    const before = stream.movedBytes
    const isThrough = stream.sendWaiting()
    this.#blocked.delete(stream)
    if (!isThrough) {
      // To the end of the line: when there is no more room, the next pump goes on with the others.
      if (!stream.isOver) this.#blocked.add(stream)
      return stream.movedBytes > before
    }
    if (!stream.isOver) stream.deliverWritable()
    return false
  }
}
