/** Reads the PROXY header with which a connection begins; whoever takes the connection over sees the client that it names. */
import type { Socket } from 'node:net'
import { onBytes, returnBytes } from '#/codec/shared-read.ts'
import type { TimerWheel } from '#/codec/timer-wheel.ts'
import { WheelTimer } from '#/codec/timer-wheel.ts'
import type { AddressPair } from '#/proxy/stream/proxy-header.ts'
import { readProxyHeader } from '#/proxy/stream/proxy-header.ts'

export interface ProxyEntranceOptions {
  wheel: TimerWheel
  /** For the whole header, ms. */
  timeoutMs: number
  /** The bytes behind the header are there for the next reader. @param addresses undefined when the header tells none. */
  onHeader: (socket: Socket, addresses: AddressPair | undefined) => void
  /** The connection is closed. */
  onRefused: (detail: string) => void
}

export class ProxyEntrance {
  readonly #socket: Socket
  readonly #options: ProxyEntranceOptions
  readonly #timer: WheelTimer
  #bytes: Buffer = Buffer.alloc(0)
  #isOver = false

  constructor(socket: Socket, options: ProxyEntranceOptions) {
    this.#socket = socket
    this.#options = options
    this.#timer = new WheelTimer(() => this.#refuse(`no whole PROXY header in ${options.timeoutMs} ms`))
    options.wheel.set(this.#timer, options.timeoutMs)
    socket.on('end', this.#onLost)
    socket.on('error', this.#onLost)
    socket.on('close', this.#onLost)
    onBytes(socket, this.#onData)
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isOver) return
    this.#bytes = Buffer.concat([this.#bytes, chunk])
    const reading = readProxyHeader(this.#bytes)
    if (reading.type === 'more') return
    if (reading.type === 'no') {
      this.#refuse(reading.detail)
      return
    }
    this.#finish()
    const socket = this.#socket
    // Nothing is lost between two readers: what waits, and what comes, waits in the socket.
    socket.pause()
    socket.removeListener('data', this.#onData)
    returnBytes(socket, this.#bytes.subarray(reading.length))
    this.#options.onHeader(socket, reading.addresses)
  }

  readonly #onLost = (): void => {
    if (!this.#isOver) this.#refuse('the connection ended within its PROXY header')
  }

  #refuse(detail: string): void {
    this.#finish()
    this.#socket.on('error', () => undefined)
    this.#socket.destroy()
    this.#options.onRefused(detail)
  }

  #finish(): void {
    this.#isOver = true
    this.#options.wheel.cancel(this.#timer)
    for (const event of ['end', 'error', 'close']) this.#socket.removeListener(event, this.#onLost)
  }
}

/** From now on the socket tells these addresses as its own, to logs, to `x-forwarded-for` and to endpoints. */
export function tellAddresses(socket: Socket, { source, destination }: AddressPair): void {
  const tell = (value: unknown): PropertyDescriptor => ({ value, configurable: true })
  Object.defineProperties(socket, {
    remoteAddress: tell(source.host),
    remotePort: tell(source.port),
    localAddress: tell(destination.host),
    localPort: tell(destination.port),
  })
}
