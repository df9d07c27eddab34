/** As much of a socket as the codec uses, driven by hand: bytes come when the test says, and the same way each time. */
import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'

export class FakeSocket extends EventEmitter {
  readonly remoteAddress = '192.0.2.1'
  readonly written: Buffer[] = []
  destroyed = false
  writableEnded = false
  writableFinished = false
  wasReset = false
  bytesRead = 0
  bytesWritten = 0
  /** Bytes that a slow reader has not taken; a test sets `isSlow` and calls `takeAll`. */
  writableLength = 0
  isSlow = false
  /** Told when the codec ends its side. */
  onEnding: (() => void) | undefined
  #isPaused = false
  #hasPeerEnded = false
  #waiting: Buffer[] = []

  /** What the codec takes. */
  get asSocket(): Socket {
    return this as unknown as Socket
  }

  get writtenText(): string {
    return Buffer.concat(this.written).toString('latin1')
  }

  deliver(bytes: Uint8Array): void {
    if (this.destroyed) return
    const chunk = Buffer.from(bytes)
    if (this.#isPaused) {
      this.#waiting.push(chunk)
      return
    }
    this.bytesRead += chunk.length
    this.emit('data', chunk)
  }

  deliverEnd(): void {
    if (this.destroyed) return
    this.#hasPeerEnded = true
    this.emit('end')
    this.#closeWhenBothEnded()
  }

  fail(code: string): void {
    if (this.destroyed) return
    this.emit('error', Object.assign(new Error(code), { code }))
    this.destroy()
  }

  takeAll(): void {
    this.writableLength = 0
    this.emit('drain')
  }

  isPaused(): boolean {
    return this.#isPaused
  }

  pause(): this {
    this.#isPaused = true
    return this
  }

  resume(): this {
    this.#isPaused = false
    const waiting = this.#waiting
    this.#waiting = []
    // A real socket brings them in a later turn.
    for (const chunk of waiting) queueMicrotask(() => this.deliver(chunk))
    return this
  }

  write(chunk: string | Uint8Array, encoding?: BufferEncoding): boolean {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : Buffer.from(chunk)
    this.written.push(bytes)
    this.bytesWritten += bytes.length
    if (this.isSlow) this.writableLength += bytes.length
    return !this.isSlow
  }

  cork(): void {}

  uncork(): void {}

  end(done?: () => void): this {
    if (this.writableEnded) return this
    this.writableEnded = true
    this.onEnding?.()
    queueMicrotask(() => {
      this.writableFinished = true
      done?.()
      this.#closeWhenBothEnded()
    })
    return this
  }

  destroy(): this {
    if (this.destroyed) return this
    this.destroyed = true
    queueMicrotask(() => this.emit('close'))
    return this
  }

  resetAndDestroy(): this {
    this.wasReset = true
    return this.destroy()
  }

  #closeWhenBothEnded(): void {
    if (this.#hasPeerEnded && this.writableFinished) this.destroy()
  }
}
