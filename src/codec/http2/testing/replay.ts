/** Runs frames through a connection, cut as asked, and tells what came of them. */
import { ManualClock } from '#/std/clock.ts'
import { EventLog } from '../../http1/testing/event-log.ts'
import { FakeSocket } from '../../http1/testing/fake-socket.ts'
import { settle } from '../../http1/testing/replay.ts'
import type { HeaderList, RequestHead, ResponseHead } from '../../message.ts'
import type { ClientSink, ResetReason, ServerSink, ServerStream } from '../../stream.ts'
import { TimerWheel } from '../../timer-wheel.ts'
import { Http2ClientConnection } from '../client-connection.ts'
import { flags, frameTypes, preface, settingIds, settingsPayload, writeFrame } from '../frame.ts'
import { codeName } from '../frame-check.ts'
import { HpackDecoder } from '../hpack/decoder.ts'
import type { Http2Limits } from '../limits.ts'
import { defaultHttp2Limits } from '../limits.ts'
import { Http2ServerConnection } from '../server-connection.ts'
import type { Frame } from './frame-reader.ts'
import { FrameReader } from './frame-reader.ts'
import { requestHead } from './pair.ts'

export type Settings = Readonly<Record<string, string>>

/** Logs a request and answers it when it is through; switches protocols when asked. */
class LogSink implements ServerSink {
  readonly #stream: ServerStream
  readonly #log: EventLog

  constructor(stream: ServerStream, log: EventLog) {
    this.#stream = stream
    this.#log = log
    const { upgrade, headers } = stream.head
    log.addRequest({ ...stream.head, headers: withoutKey(headers) })
    if (stream.head.acceptsTrailers) log.add('accepts trailers')
    if (upgrade !== '') stream.writeHead({ status: 101, headers: [], bodyLength: 0, upgrade }, false)
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

/** It is drawn by lot. */
function withoutKey(headers: HeaderList): HeaderList {
  const at = headers.indexOf('sec-websocket-key')
  return at < 0 ? headers : headers.toSpliced(at, 2)
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

function limitsOf(settings: Settings): Http2Limits {
  const limits: Http2Limits = { ...defaultHttp2Limits }
  for (const name of Object.keys(limits) as (keyof Http2Limits)[]) {
    if (settings[name] !== undefined) limits[name] = Number(settings[name])
  }
  return limits
}

const wheel = new TimerWheel({ tickMs: 1000, clock: new ManualClock() })

/** A connection on a socket that a test feeds, and what came of it. */
export class Replay {
  readonly socket = new FakeSocket()
  readonly #logs: EventLog[] = []
  readonly #own = new EventLog()
  readonly #shown: readonly number[]

  private constructor(shown: readonly number[]) {
    this.#shown = shown
  }

  /** A server, greeted unless the settings say `bare`. */
  static server(settings: Settings): Replay {
    const replay = new Replay([frameTypes.rstStream, frameTypes.goaway, frameTypes.headers, frameTypes.ping])
    const onStream = (stream: ServerStream): LogSink => new LogSink(stream, replay.#newLog())
    const onMalformed = (code: string, detail: string): void => replay.#own.add(`refused ${code}: ${detail}`)
    const handler = { onStream, onMalformed }
    new Http2ServerConnection(replay.socket.asSocket, { handler, limits: limitsOf(settings), wheel })
    if (!('bare' in settings)) {
      replay.socket.deliver(preface)
      replay.socket.deliver(writeFrame(frameTypes.settings, 0, 0, Buffer.alloc(0)))
    }
    return replay
  }

  /** A client that has sent a request on stream 1: its `method`, `upgrade`; with `open` its body is still to come. */
  static client(settings: Settings): Replay {
    const replay = new Replay([frameTypes.rstStream, frameTypes.goaway, frameTypes.ping])
    const owner = { onIdle: () => replay.#own.add('idle'), onClosed: () => replay.#own.add('no further requests') }
    const connection = new Http2ClientConnection(replay.socket.asSocket, { owner, limits: limitsOf(settings), wheel })
    const greeting = settingsPayload([[settingIds.enableConnectProtocol, 1]])
    replay.socket.deliver(writeFrame(frameTypes.settings, 0, 0, greeting))
    const { method = 'GET', upgrade = '' } = settings
    const isOpen = 'open' in settings
    const head: RequestHead = requestHead({ method, upgrade, bodyLength: isOpen ? -1 : 0 })
    connection.request(head, new LogClientSink(replay.#newLog()), !isOpen)
    return replay
  }

  #newLog(): EventLog {
    const log = new EventLog()
    this.#logs.push(log)
    return log
  }

  /** What happened to the streams, one after another; to the connection; and what was sent. */
  get events(): string[] {
    const streams = this.#logs.flatMap(({ lines }, i) => (i === 0 ? lines : [`stream ${i + 1}`, ...lines]))
    return [...streams, ...this.#own.lines, ...this.#sent()]
  }

  #sent(): string[] {
    const lines: string[] = []
    const decoder = new HpackDecoder({ tableBytesMax: 4096, listBytesMax: 65_536 })
    const show = (frame: Frame): void => {
      if (this.#shown.includes(frame.type)) lines.push(`sent ${showFrame(frame, decoder)}`)
    }
    const bytes = Buffer.concat(this.socket.written)
    const isClient = bytes.subarray(0, preface.length).equals(preface)
    new FrameReader().read(isClient ? bytes.subarray(preface.length) : bytes, show)
    if (this.socket.writableEnded) lines.push('close')
    return lines
  }
}

function showFrame({ type, flags: bits, streamId, payload }: Frame, decoder: HpackDecoder): string {
  switch (type) {
    case frameTypes.rstStream:
      return `RST_STREAM ${streamId} ${codeName(payload.readUInt32BE(0))}`
    case frameTypes.goaway:
      return `GOAWAY ${payload.readUInt32BE(0)} ${codeName(payload.readUInt32BE(4))}`
    case frameTypes.headers:
      return `HEADERS ${streamId} ${decoder.decode(payload)[1]}`
    default:
      return `PING${bits & flags.ack ? ' ACK' : ''} ${payload.toString('latin1')}`
  }
}

export { settle }
