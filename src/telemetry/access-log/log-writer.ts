/**
 * Writes lines to a file descriptor in batches, off the event loop: one system call for hundreds of requests. A reader
 * that is too slow costs lines, which are counted, never memory or time of requests.
 */
import { closeSync, openSync, write, writeSync } from 'node:fs'
import type { Clock, Timer } from '#/std/clock.ts'

export interface LogWriterOptions {
  /** `stdout`, or a file that is appended to. */
  target: 'stdout' | { file: string }
  clock: Clock
  /** A batch leaves when it is this long, characters. */
  batchLengthMax?: number
  /** A line waits no longer than this, ms. */
  flushIntervalMs?: number
  /** Lines beyond this many waiting characters are dropped. */
  waitingLengthMax?: number
  /** Told once when writing begins to fail, and again after it has worked in between. */
  onError?: (error: Error) => void
}

/** A pipe that is full (EAGAIN) is tried again after this time, ms. */
const fullPipeWaitMs = 20

export class LogWriter {
  readonly #options: Required<LogWriterOptions>
  readonly #descriptor: number
  #lines: string[] = []
  #length = 0
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
    this.#descriptor = options.target === 'stdout' ? 1 : openSync(options.target.file, 'a', 0o640)
  }

  /** @param line with its line feed. */
  write(line: string): void {
    if (this.#isClosed || this.#length + line.length > this.#options.waitingLengthMax) {
      this.droppedLines++
      return
    }
    this.#lines.push(line)
    this.#length += line.length
    if (this.#length >= this.#options.batchLengthMax) this.#flush()
    else this.#schedule()
  }

  #schedule(): void {
    this.#timer ??= this.#options.clock.after(this.#options.flushIntervalMs, () => this.#flush(), true)
  }

  #flush(): void {
    this.#cancelTimer()
    if (this.#inFlight !== undefined || this.#lines.length === 0) return
    const lines = this.#lines.length
    this.#inFlight = this.#take()
    this.#send(this.#inFlight, lines)
  }

  #cancelTimer(): void {
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #take(): Buffer {
    const batch = Buffer.from(this.#lines.join(''))
    this.#lines = []
    this.#length = 0
    return batch
  }

  /** `lines` are lost when it fails. */
  #send(batch: Buffer, lines: number): void {
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
    this.#inFlight = undefined
    if (error) {
      this.droppedLines += lines
      if (!this.#hasFailed) this.#options.onError(error)
    }
    this.#hasFailed = error !== null
    if (this.#drainers.length > 0 || this.#length >= this.#options.batchLengthMax) this.#flush()
    else if (this.#length > 0) this.#schedule()
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
    const lines = this.#lines.length
    try {
      if (lines > 0) writeSync(this.#descriptor, this.#take())
    } catch (error) {
      this.droppedLines += lines
      this.#options.onError(error instanceof Error ? error : new Error(String(error)))
    }
    if (this.#descriptor !== 1 && this.#inFlight === undefined) closeSync(this.#descriptor)
  }
}
