/**
 * Writes lines to a file descriptor in batches, off the event loop: one system call for hundreds of requests. A reader
 * that is too slow costs lines, which are counted, never memory or time of requests. A line is turned into bytes at once:
 * kept as text until the batch leaves, its pieces would outlive the young generation (measured: 5 µs a request and twice
 * the resident memory).
 */
import { closeSync, openSync, write, writeSync } from 'node:fs'
import type { Clock, Timer } from '#/std/clock.ts'

/** Takes batches of whole lines over; the bytes are the caller's again when it returns. */
export interface LineSink {
  take(bytes: Uint8Array, lines: number): void
}

export interface LogWriterOptions {
  /** `stdout`, a file that is appended to, or whoever writes for several event loops. */
  target: 'stdout' | { file: string } | LineSink
  clock: Clock
  /** A batch leaves when it is this long, bytes. */
  batchLengthMax?: number
  /** A line waits no longer than this, ms. */
  flushIntervalMs?: number
  /** Lines beyond this many waiting bytes are dropped. */
  waitingLengthMax?: number
  /** Told once when writing begins to fail, and again after it has worked in between. */
  onError?: (error: Error) => void
}

/** A pipe that is full (EAGAIN) is tried again after this time, ms. */
const fullPipeWaitMs = 20

interface Batch {
  bytes: Buffer
  lines: number
}

/** Room behind a batch's mark for the line that crosses it, bytes. */
const lineRoomBytes = 16_384

export class LogWriter {
  readonly #options: Required<LogWriterOptions>
  readonly #descriptor: number
  readonly #sink: LineSink | undefined
  /** The batch that lines go into, and batches that are full. */
  #current: Buffer
  #used = 0
  #lines = 0
  readonly #full: Batch[] = []
  #fullBytes = 0
  #spare: Buffer | undefined
  /** What a write has been started for. */
  #inFlight: Buffer | undefined
  #timer: Timer | undefined
  readonly #drainers: (() => void)[] = []
  #hasFailed = false
  #isClosed = false
  /** Lines that were lost, to a full buffer or a failing target. */
  droppedLines = 0

  /** @throws the system's error when the file can't be opened. */
  constructor(options: LogWriterOptions) {
    this.#options = {
      batchLengthMax: 65_536,
      flushIntervalMs: 200,
      waitingLengthMax: 4_194_304,
      onError: () => undefined,
      ...options,
    }
    this.#current = this.#newBuffer()
    const { target } = options
    this.#sink = typeof target === 'object' && 'take' in target ? target : undefined
    this.#descriptor = typeof target === 'object' && 'file' in target ? openSync(target.file, 'a', 0o640) : 1
  }

  #waitingBytes(): number {
    return this.#fullBytes + this.#used
  }

  /** @param line with its line feed. */
  write(line: string): void {
    // UTF-8 takes at most three bytes for a unit of a string.
    const room = this.reserve(line.length * 3)
    if (room) this.commit(this.used + room.write(line, this.used))
  }

  /**
   * Room for a line of at most `bytesMax` bytes behind `used`, to be filled and committed at once. Undefined when the line is
   * lost: it is counted then.
   */
  reserve(bytesMax: number): Buffer | undefined {
    if (this.#isClosed || this.#waitingBytes() + bytesMax > this.#options.waitingLengthMax) {
      this.droppedLines++
      return undefined
    }
    if (this.#used + bytesMax > this.#current.length) this.#seal()
    // A giant line gets a buffer of its own, which is not kept.
    if (bytesMax > this.#current.length) this.#current = Buffer.allocUnsafeSlow(bytesMax)
    return this.#current
  }

  /** Where the next line begins in the room that `reserve` gives. */
  get used(): number {
    return this.#used
  }

  /** @param end of the line in the room that was reserved. */
  commit(end: number): void {
    this.#used = end
    this.#lines++
    if (this.#waitingBytes() >= this.#options.batchLengthMax) this.#flush()
    else this.#schedule()
  }

  /** Whole lines that another event loop has gathered. They have waited there: they leave now. */
  append(bytes: Uint8Array, lines: number): void {
    const room = this.reserve(bytes.length)
    if (!room) {
      this.droppedLines += lines - 1
      return
    }
    room.set(bytes, this.#used)
    this.#lines += lines - 1
    this.commit(this.#used + bytes.length)
    this.#flush()
  }

  #newBuffer(): Buffer {
    return Buffer.allocUnsafeSlow(this.#bufferBytes())
  }

  #bufferBytes(): number {
    return this.#options.batchLengthMax + lineRoomBytes
  }

  #push(batch: Batch): void {
    this.#full.push(batch)
    this.#fullBytes += batch.bytes.length
  }

  #seal(): void {
    if (this.#used === 0) return
    this.#push({ bytes: this.#current.subarray(0, this.#used), lines: this.#lines })
    this.#current = this.#spare ?? this.#newBuffer()
    this.#spare = undefined
    this.#used = 0
    this.#lines = 0
  }

  #schedule(): void {
    this.#timer ??= this.#options.clock.after(this.#options.flushIntervalMs, () => this.#flush(), true)
  }

  #flush(): void {
    this.#cancelTimer()
    if (this.#inFlight !== undefined) return
    if (this.#full.length === 0) this.#seal()
    const batch = this.#full.shift()
    if (batch === undefined) return
    this.#fullBytes -= batch.bytes.length
    this.#inFlight = batch.bytes
    this.#send(batch.bytes, batch.lines)
  }

  #cancelTimer(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** `lines` are lost when it fails. */
  #send(batch: Buffer, lines: number): void {
    if (this.#sink) {
      this.#sink.take(batch, lines)
      this.#sent(null, lines)
      return
    }
    write(this.#descriptor, batch, (error, written) => {
      // Closing has written what was in flight, as far as it could.
      if (this.#isClosed) return
      if (error?.code === 'EAGAIN') {
        this.#options.clock.after(fullPipeWaitMs, () => !this.#isClosed && this.#send(batch, lines), true)
      } else if (error === null && written < batch.length) {
        this.#inFlight = batch.subarray(written)
        this.#send(this.#inFlight, lines)
      } else this.#sent(error, lines)
    })
  }

  #sent(error: Error | null, lines: number): void {
    const sent = this.#inFlight
    if (sent && sent.buffer.byteLength === this.#bufferBytes()) this.#spare = Buffer.from(sent.buffer)
    this.#inFlight = undefined
    if (error) {
      this.droppedLines += lines
      if (!this.#hasFailed) this.#options.onError(error)
    }
    this.#hasFailed = error !== null
    if (this.#drainers.length > 0 || this.#waitingBytes() >= this.#options.batchLengthMax) this.#flush()
    else if (this.#waitingBytes() > 0) this.#schedule()
    if (this.#inFlight === undefined) for (const resolve of this.#drainers.splice(0)) resolve()
  }

  /** Resolves when everything has left, or was dropped because the target fails; for an orderly end. */
  drain(): Promise<void> {
    this.#flush()
    if (this.#isClosed || this.#inFlight === undefined) return Promise.resolve()
    return new Promise((resolve) => this.#drainers.push(resolve))
  }

  /**
   * Writes what waits at once and closes; for the end of the process. A batch in flight is left to its thread, which may
   * come after it, or too late for a process that ends at once: await `drain` before where there is time.
   */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#cancelTimer()
    this.#seal()
    for (const { bytes, lines } of this.#full.splice(0)) {
      try {
        if (this.#sink) this.#sink.take(bytes, lines)
        else writeSync(this.#descriptor, bytes)
      } catch (error) {
        this.droppedLines += lines
        this.#options.onError(error instanceof Error ? error : new Error(String(error)))
      }
    }
    if (this.#descriptor !== 1 && this.#inFlight === undefined) closeSync(this.#descriptor)
  }
}
