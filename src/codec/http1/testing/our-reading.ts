/** Bytes as our server connection reads them. */
import { ManualClock } from '#/std/clock.ts'
import type { HeaderList } from '../../message.ts'
import type { ServerSink, ServerStream } from '../../stream.ts'
import { TimerWheel } from '../../timer-wheel.ts'
import { defaultLimits } from '../limits.ts'
import { Http1ServerConnection } from '../server-connection.ts'
import { FakeSocket } from './fake-socket.ts'
import type { Reading } from './read-request.ts'

/** Answers when the request is through; declines upgrades. */
class ReadingSink implements ServerSink {
  readonly #stream: ServerStream
  readonly #reading: Reading
  #body = ''

  constructor(stream: ServerStream, reading: Reading) {
    this.#stream = stream
    this.#reading = reading
    reading.headCount++
    if (stream.head.upgrade !== '' && stream.head.bodyLength === 0) this.onEnd(undefined)
  }

  onData(chunk: Uint8Array): void {
    this.#body += Buffer.from(chunk).toString('latin1')
  }

  onEnd(trailers: HeaderList | undefined): void {
    const { method, authority, path, isAbsolute, version, headers } = this.#stream.head
    const target = isAbsolute ? `http://${authority}${path === '*' ? '' : path}` : path
    this.#reading.requests.push({ method, target, version, headers, body: this.#body, trailers: trailers ?? [] })
    this.#stream.writeHead({ status: 204, headers: [], bodyLength: 0, upgrade: '' }, true)
  }

  onReset(): void {}
  onWritable(): void {}
  onFinished(): void {}
}

const wheel = new TimerWheel({ tickMs: 1000, clock: new ManualClock() })

/** @param pieces of the bytes, delivered one after the other. @returns filled in while the event loop turns. */
export function readOurs(pieces: readonly Uint8Array[]): Reading {
  const reading: Reading = { requests: [], headCount: 0, refusal: '', isClosed: false }
  const socket = new FakeSocket()
  socket.onEnding = () => {
    reading.isClosed = true
  }
  new Http1ServerConnection(socket.asSocket, {
    handler: {
      onStream: (stream) => new ReadingSink(stream, reading),
      onMalformed: (code, detail) => {
        reading.refusal = `${code}: ${detail}`
      },
    },
    limits: defaultLimits,
    wheel,
  })
  for (const piece of pieces) socket.deliver(piece)
  return reading
}
