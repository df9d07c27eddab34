/**
 * The way out of a connection: everything that a turn of the event loop produced leaves in one write. Text alone goes to the
 * socket as it is, which copies it on the system's stack; text with small chunks is gathered in a slab that all connections
 * share; large chunks are handed over uncopied.
 */
import type { Socket } from 'node:net'
import { countLargeChunk } from '../buffer-collection.ts'
import { isLent } from '../shared-read.ts'

export interface OutputOwner {
  /** The reader is slow: nothing more should be written before `onWritable`. */
  onFull(): void
  /** There is room again after `isFull`. */
  onWritable(): void
  /** What was written before `awaitFlush` has been handed to the system, but for what its buffers hold. */
  onFlushed(): void
  /** One of the others has thrown. */
  onFault(error: unknown): void
}

const slabBytes = 65_536
/** Above this a copy costs more than a second buffer in the same writev. */
const copyBytesMax = 16_384

/** What is lent and short is copied as text, so that it leaves with its head in one string. */
const textBytesMax = 4096

let slab = Buffer.allocUnsafeSlow(slabBytes)
let slabUsed = 0

let waiting: Output[] = []
let batch: Output[] = []
let isScheduled = false

function flushAll(): void {
  isScheduled = false
  const outputs = waiting
  waiting = batch
  batch = outputs
  for (const output of outputs) output.flushTurn()
  outputs.length = 0
}

export class Output {
  readonly #socket: Socket
  readonly #bytesMax: number
  readonly #owner: OutputOwner
  #parts: (string | Uint8Array)[] = []
  #bytes = 0
  #isWaiting = false
  #isFull = false
  #isAwaited = false

  /** @param options.bytesMax bytes that wait for a slow reader before `isFull`. */
  constructor(options: { socket: Socket; bytesMax: number; owner: OutputOwner }) {
    this.#socket = options.socket
    this.#bytesMax = options.bytesMax
    this.#owner = options.owner
    this.#socket.on('drain', () => this.#drained())
  }

  /** The writer should wait for `onWritable`. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Latin-1 text; the caller has checked it. */
  writeText(text: string): void {
    const last = this.#parts.length - 1
    const before = this.#parts[last]
    if (typeof before === 'string') this.#parts[last] = before + text
    else this.#parts.push(text)
    this.#bytes += text.length
    this.#schedule()
  }

  /** @returns false when full. The chunk must not change until it has left, unless it is only lent: then it is copied. */
  writeBytes(chunk: Uint8Array): boolean {
    if (isLent(chunk)) {
      if (chunk.length <= textBytesMax) {
        this.writeText((chunk as Buffer).toString('latin1'))
        return !this.#isFull
      }
      this.#parts.push(Buffer.from(chunk))
    } else this.#parts.push(chunk)
    this.#bytes += chunk.length
    if (this.#bytes >= copyBytesMax) {
      countLargeChunk(chunk.length)
      this.flush()
    } else this.#schedule()
    return !this.#isFull
  }

  /** Asks for one `onFlushed`, never during this call. */
  awaitFlush(): void {
    this.#isAwaited = true
    this.#schedule()
  }

  flush(): void {
    const parts = this.#parts
    if (parts.length === 0) return
    this.#parts = []
    const bytes = this.#bytes
    this.#bytes = 0
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded) return
    const hasRoom = parts.length === 1 ? writePart(socket, parts[0]!) : this.#writeParts(parts, bytes)
    if (hasRoom || this.#isFull || socket.writableLength <= this.#bytesMax) return
    this.#isFull = true
    this.#owner.onFull()
  }

  #writeParts(parts: readonly (string | Uint8Array)[], bytes: number): boolean {
    const socket = this.#socket
    if (bytes <= copyBytesMax) return writeJoined(socket, parts, bytes)
    socket.cork()
    let hasRoom = true
    for (const part of parts) hasRoom = writePart(socket, part)
    socket.uncork()
    return hasRoom
  }

  #schedule(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    waiting.push(this)
    if (isScheduled) return
    isScheduled = true
    setImmediate(flushAll)
  }

  /** Called by the batch. Never throws: one connection's fault must not cost the others their turn. */
  flushTurn(): void {
    this.#isWaiting = false
    try {
      this.flush()
      if (this.#isAwaited && !this.#isFull) this.#flushed()
    } catch (error) {
      this.#owner.onFault(error)
    }
  }

  #drained(): void {
    if (!this.#isFull) return
    this.#isFull = false
    try {
      if (this.#isAwaited) this.#flushed()
      else this.#owner.onWritable()
    } catch (error) {
      this.#owner.onFault(error)
    }
  }

  #flushed(): void {
    this.#isAwaited = false
    this.#owner.onFlushed()
  }
}

function writePart(socket: Socket, part: string | Uint8Array): boolean {
  return typeof part === 'string' ? socket.write(part, 'latin1') : socket.write(part)
}

function writeJoined(socket: Socket, parts: readonly (string | Uint8Array)[], bytes: number): boolean {
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
  const hasRoom = socket.write(slab.subarray(start, position))
  // The system took it all at once: its place can be used again.
  if (socket.writableLength === 0) slabUsed = start
  return hasRoom
}
