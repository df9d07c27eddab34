/** The one timer of a server connection: what it waits for depends on what the connection does. */
import type { Socket } from 'node:net'
import type { TimerWheel } from '../timer-wheel.ts'
import { WheelTimer } from '../timer-wheel.ts'
import type { Http1Limits } from './limits.ts'

export interface ServerTimerOptions {
  wheel: TimerWheel
  limits: Http1Limits
  socket: Socket
  run: () => void
}

export class ServerTimer {
  readonly #wheel: TimerWheel
  readonly #limits: Http1Limits
  readonly #socket: Socket
  readonly #timer: WheelTimer
  #bytesMoved = 0

  constructor({ wheel, limits, socket, run }: ServerTimerOptions) {
    this.#wheel = wheel
    this.#limits = limits
    this.#socket = socket
    this.#timer = new WheelTimer(run)
  }

  get isWaiting(): boolean {
    return this.#timer.slot >= 0
  }

  awaitRequest(): void {
    this.#wheel.set(this.#timer, this.#limits.idleTimeoutMs)
  }

  awaitHead(): void {
    this.#wheel.set(this.#timer, this.#limits.headerTimeoutMs)
  }

  /** Waits for bytes to move, in either direction: `isStill` tells whether any did. */
  awaitProgress(): void {
    this.#bytesMoved = this.#countBytes()
    this.#wheel.set(this.#timer, this.#limits.stallTimeoutMs)
  }

  get isStill(): boolean {
    return this.#countBytes() === this.#bytesMoved
  }

  /** Waits for the client to read what was sent and to close. */
  awaitClose(): void {
    if (!this.#socket.destroyed) this.#wheel.set(this.#timer, this.#limits.lingerTimeoutMs)
  }

  stop(): void {
    this.#wheel.cancel(this.#timer)
  }

  /** What Node still holds has not moved: the system has not taken it. */
  #countBytes(): number {
    return this.#socket.bytesRead + this.#socket.bytesWritten - this.#socket.writableLength
  }
}
