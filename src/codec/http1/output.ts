/**
 * The way out of a connection: everything that a turn of the event loop produced leaves in one write. Heads are kept as
 * strings until then and written straight into a shared slab, small chunks are copied beside them, large ones are handed
 * to the socket as they are.
 */
import type { Socket } from 'node:net'

const slabBytes = 65_536
/** Above this a copy costs more than a second buffer in the same writev. */
const copyBytesMax = 16_384

let slab = Buffer.allocUnsafeSlow(slabBytes)
let slabUsed = 0

const waiting: Output[] = []
let isScheduled = false

function flushAll(): void {
  isScheduled = false
  const batch = waiting.splice(0)
  for (const output of batch) output.flushTurn()
}

export class Output {
  readonly #socket: Socket
  readonly #bytesMax: number
  readonly #onWritable: () => void
  #parts: (string | Uint8Array)[] = []
  #bytes = 0
  #isWaiting = false
  #isFull = false

  /** @param onWritable there is room again after `isFull`. */
  constructor(options: { socket: Socket; bytesMax: number; onWritable: () => void }) {
    this.#socket = options.socket
    this.#bytesMax = options.bytesMax
    this.#onWritable = options.onWritable
    this.#socket.on('drain', () => this.#drained())
  }

  /** The writer should wait for `onWritable`. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Latin-1 text; the caller has checked it. */
  writeText(text: string): void {
    this.#parts.push(text)
    this.#bytes += text.length
    this.#schedule()
  }

  /** @returns false when full. The chunk must not change until it has left. */
  writeBytes(chunk: Uint8Array): boolean {
    this.#parts.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes >= copyBytesMax) this.flush()
    else this.#schedule()
    return !this.#isFull
  }

  flush(): void {
    const parts = this.#parts
    if (parts.length === 0) return
    this.#parts = []
    const bytes = this.#bytes
    this.#bytes = 0
    if (this.#socket.destroyed || this.#socket.writableEnded) return
    const hasRoom = bytes <= copyBytesMax ? this.#socket.write(joinInSlab(parts, bytes)) : this.#writeParts(parts)
    if (!hasRoom && this.#socket.writableLength > this.#bytesMax) this.#isFull = true
  }

  #writeParts(parts: readonly (string | Uint8Array)[]): boolean {
    this.#socket.cork()
    let hasRoom = true
    for (const part of parts) {
      hasRoom = typeof part === 'string' ? this.#socket.write(part, 'latin1') : this.#socket.write(part)
    }
    this.#socket.uncork()
    return hasRoom
  }

  #schedule(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    waiting.push(this)
    if (isScheduled) return
    isScheduled = true
    setImmediate(() => flushAll())
  }

  /** Called by the batch. */
  flushTurn(): void {
    this.#isWaiting = false
    this.flush()
  }

  #drained(): void {
    if (!this.#isFull) return
    this.#isFull = false
    this.#onWritable()
  }
}

function joinInSlab(parts: readonly (string | Uint8Array)[], bytes: number): Buffer {
  if (slabUsed + bytes > slabBytes) {
    slab = Buffer.allocUnsafeSlow(slabBytes)
    slabUsed = 0
  }
  const start = slabUsed
  let position = start
  for (const part of parts) {
    if (typeof part === 'string') position += slab.write(part, position, 'latin1')
    else {
      slab.set(part, position)
      position += part.length
    }
  }
  slabUsed = position
  return slab.subarray(start, position)
}
