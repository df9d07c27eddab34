/** Runs bytes through a connection, cut as asked, and tells what came of them. */
import { ManualClock } from '#/std/clock.ts'
import type { HeaderList, RequestHead, ResponseHead } from '../../message.ts'
import type { ClientSink, ResetReason, ServerSink, ServerStream } from '../../stream.ts'
import { TimerWheel } from '../../timer-wheel.ts'
import { Http1ClientConnection } from '../client-connection.ts'
import type { Http1Limits } from '../limits.ts'
import { defaultLimits } from '../limits.ts'
import { Http1ServerConnection } from '../server-connection.ts'
import { EventLog } from './event-log.ts'
import { FakeSocket } from './fake-socket.ts'

export type Settings = Readonly<Record<string, string>>

/** Logs a request and answers it when it is through; switches protocols when asked. */
class LogSink implements ServerSink {
  readonly #stream: ServerStream
  readonly #log: EventLog

  constructor(stream: ServerStream, log: EventLog) {
    this.#stream = stream
    this.#log = log
    log.addRequest(stream.head)
    if (stream.head.upgrade === '') return
    stream.writeHead({ status: 101, headers: [], bodyLength: 0, upgrade: stream.head.upgrade }, false)
  }

  onData(chunk: Uint8Array): void {
    this.#log.addBody(chunk)
  }

  onEnd(trailers: HeaderList | undefined): void {
    this.#log.addEnd(trailers)
    if (this.#stream.head.upgrade !== '') this.#stream.writeEnd()
    else this.#stream.writeHead({ status: 200, headers: [], bodyLength: 0, upgrade: '' }, true)
  }

  onReset(reason: ResetReason): void {
    this.#log.add(`reset ${reason}`)
  }

  onWritable(): void {}

  onFinished(): void {}
}

class LogClientSink implements ClientSink {
  readonly #log: EventLog

  constructor(log: EventLog) {
    this.#log = log
  }

  onInformational(status: number, headers: HeaderList): void {
    this.#log.addInformational(status, headers)
  }

  onHead(head: ResponseHead, isEnd: boolean): void {
    this.#log.addAnswer(head, isEnd)
  }

  onData(chunk: Uint8Array): void {
    this.#log.addBody(chunk)
  }

  onEnd(trailers: HeaderList | undefined): void {
    this.#log.addEnd(trailers)
  }

  onReset(reason: ResetReason, { detail }: { detail: string }): void {
    this.#log.add(`reset ${reason}: ${detail}`)
  }

  onWritable(): void {}
}

export function limitsOf(settings: Settings): Http1Limits {
  const limits: Http1Limits = { ...defaultLimits }
  for (const name of Object.keys(limits) as (keyof Http1Limits)[]) {
    if (settings[name] !== undefined) limits[name] = Number(settings[name])
  }
  return limits
}

export interface Replay {
  socket: FakeSocket
  log: EventLog
}

const wheel = new TimerWheel({ tickMs: 1000, clock: new ManualClock() })

/** A server connection that logs what `socket` is made to deliver. */
export function replayRequests(settings: Settings): Replay {
  const socket = new FakeSocket()
  const log = new EventLog()
  new Http1ServerConnection(socket.asSocket, {
    handler: {
      onStream: (stream) => new LogSink(stream, log),
      onMalformed: (code, detail) => log.add(`refused ${code}: ${detail}`),
    },
    limits: limitsOf(settings),
    wheel,
  })
  return { socket, log }
}

/** A client connection that has sent a request and logs what comes as its answer. */
export function replayAnswer(settings: Settings): Replay {
  const socket = new FakeSocket()
  const log = new EventLog()
  const owner = { onIdle: () => log.add('idle'), onClosed: () => log.add('close') }
  const connection = new Http1ClientConnection(socket.asSocket, { owner, limits: limitsOf(settings) })
  const head: RequestHead = {
    method: settings.method ?? 'GET',
    scheme: 'http',
    authority: 'a',
    path: '/',
    headers: [],
    version: 'HTTP/1.1',
    bodyLength: 0,
    upgrade: settings.upgrade ?? '',
    expectsContinue: false,
    isAbsolute: false,
  }
  connection.request(head, new LogClientSink(log), true)
  return { socket, log }
}

/** Ends when nothing moves any more: held requests are taken one a turn. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 12; turn++) await new Promise(setImmediate)
}
