/** What follows a 101 on the server side: raw bytes both ways, each ended on its own. */
import type { Socket } from 'node:net'
import type { ServerSink } from '../stream.ts'
import type { InputGate } from './input-gate.ts'
import type { Output } from './output.ts'

export class ServerTunnel {
  readonly #socket: Socket
  readonly #output: Output
  readonly #gate: InputGate
  #sink: ServerSink | undefined
  #hasEnded = false
  #hasSentEnd = false

  constructor({ socket, output, gate }: { socket: Socket; output: Output; gate: InputGate }) {
    this.#socket = socket
    this.#output = output
    this.#gate = gate
  }

  /** Both sides said that they have nothing more to say. */
  get isWhole(): boolean {
    return this.#hasEnded && this.#hasSentEnd
  }

  /** The 101 has left: what the client sent behind its request is for the sink, before all that is to come. */
  open(sink: ServerSink | undefined): void {
    this.#sink = sink
    if (!this.#gate.isEmpty) sink?.onData(this.#gate.take())
    if (this.#hasEnded) sink?.onEnd(undefined)
  }

  read(chunk: Buffer, start: number): void {
    if (this.#sink) this.#sink.onData(start === 0 ? chunk : chunk.subarray(start))
    else this.#gate.hold(chunk, start)
  }

  /** The client has ended its side. */
  readEnd(): void {
    this.#hasEnded = true
    this.#sink?.onEnd(undefined)
  }

  /** Ends our side; bytes may still come from the client. */
  end(): void {
    if (this.#hasSentEnd) return
    this.#hasSentEnd = true
    this.#output.flush()
    this.#socket.end()
  }
}
