/** What becomes of the requests of one conversation, with servers of several kinds, and whether each ends as it must. */
import { ManualClock } from '#/std/clock.ts'
import { FakeSocket } from '../../http1/testing/fake-socket.ts'
import type { HeaderList } from '../../message.ts'
import { unknownLength } from '../../message.ts'
import type { ResetReason, ServerSink, ServerStream } from '../../stream.ts'
import { TimerWheel } from '../../timer-wheel.ts'
import { preface, writeFrame } from '../frame.ts'
import { defaultHttp2Limits } from '../limits.ts'
import { Http2ServerConnection } from '../server-connection.ts'
import { responseHead } from './pair.ts'

const kinds = ['echo', 'early', 'late', 'reset', 'paused'] as const
const largeBody = Buffer.alloc(70_000, 'z')
const wheel = new TimerWheel({ tickMs: 1000, clock: new ManualClock() })

/** One request; what it does follows from its number alone. */
class Life implements ServerSink {
  readonly #stream: ServerStream
  readonly #kind: (typeof kinds)[number]
  readonly events: string[] = []
  #bytes = 0
  #hasEnded = false
  /** Ways in which it ended. */
  #endings: string[] = []
  fault = ''

  constructor(stream: ServerStream, index: number) {
    this.#stream = stream
    this.#kind = kinds[index % kinds.length]!
    const { method, path, upgrade, headers } = stream.head
    this.events.push(`${method} ${path} ${upgrade} ${headers.length}`)
    if (upgrade !== '') stream.writeHead(responseHead({ status: 101, upgrade }), false)
    else if (this.#kind === 'echo') stream.writeHead(responseHead({ bodyLength: unknownLength }), false)
    else if (this.#kind === 'early') stream.writeHead(responseHead({ status: 403 }), true)
    if (this.#kind === 'paused') stream.pause()
    if (this.#kind === 'reset') {
      this.#endings.push('own reset')
      stream.reset('cancelled')
    }
  }

  #expectLife(what: string): void {
    if (this.#endings.length > 0) this.fault ||= `${what} behind ${this.#endings.join()}`
  }

  onData(chunk: Uint8Array): void {
    this.#expectLife('data')
    if (this.#hasEnded) this.fault ||= 'data behind the end'
    if (chunk.length === 0) this.fault ||= 'a chunk without a byte'
    this.#bytes += chunk.length
    if (this.#kind === 'echo') this.#stream.writeData(chunk)
  }

  onEnd(trailers: HeaderList | undefined): void {
    this.#expectLife('end')
    if (this.#hasEnded) this.fault ||= 'two ends'
    this.#hasEnded = true
    this.events.push(`end ${this.#bytes} ${trailers?.join() ?? ''}`)
    const isTunnel = this.#stream.head.upgrade !== ''
    if (this.#kind === 'late' && !isTunnel) {
      this.#stream.writeHead(responseHead({ bodyLength: largeBody.length }), false)
      this.#stream.writeData(largeBody)
    }
    if (this.#kind !== 'early' || isTunnel) this.#stream.writeEnd()
  }

  onReset(reason: ResetReason): void {
    this.#expectLife('reset')
    this.#endings.push(reason)
  }

  onWritable(): void {
    this.#expectLife('writable')
  }

  onFinished(): void {
    this.#expectLife('finish')
    this.#endings.push('finished')
  }

  /** When the connection is gone. */
  close(): void {
    if (this.#endings.length !== 1) this.fault ||= `it ended in ${this.#endings.length} ways: ${this.#endings.join()}`
    this.events.push(this.#endings.join())
  }
}

export class LifeReading {
  readonly #socket = new FakeSocket()
  readonly #lives: Life[] = []
  readonly #refusals: string[] = []
  #ownFault = ''

  constructor() {
    const onStream = (stream: ServerStream): Life => {
      const life = new Life(stream, this.#lives.length)
      this.#lives.push(life)
      return life
    }
    const onMalformed = (code: string, detail: string): void => {
      this.#refusals.push(`${code}: ${detail}`)
      if (code === 'extension_failed') this.#ownFault = detail
    }
    const handler = { onStream, onMalformed }
    new Http2ServerConnection(this.#socket.asSocket, { handler, limits: defaultHttp2Limits, wheel })
    this.#socket.deliver(preface)
    this.#socket.deliver(writeFrame(4, 0, 0, Buffer.alloc(0)))
  }

  deliver(pieces: readonly Buffer[]): void {
    for (const piece of pieces) this.#socket.deliver(piece)
  }

  /** The client goes. */
  end(): void {
    this.#socket.deliverEnd()
    this.#socket.destroy()
  }

  get fault(): string {
    return this.#ownFault || (this.#lives.find(({ fault }) => fault !== '')?.fault ?? '')
  }

  /** To be asked once, when everything is over. */
  get reading(): unknown {
    return (this.#reading ??= this.#read())
  }

  #reading: unknown

  #read(): unknown {
    for (const life of this.#lives) life.close()
    return {
      lives: this.#lives.map(({ events }) => events),
      refusals: this.#refusals,
      sent: this.#socket.bytesWritten > 0,
    }
  }
}
