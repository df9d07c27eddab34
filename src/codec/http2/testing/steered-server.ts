/** A server that a test steers by frames and by time, without a network. */
import { ManualClock } from '#/std/clock.ts'
import { FakeSocket } from '../../http1/testing/fake-socket.ts'
import type { ServerStream } from '../../stream.ts'
import { TimerWheel } from '../../timer-wheel.ts'
import { flags, frameTypes, preface, settingsPayload, writeFrame } from '../frame.ts'
import { encodeHeaderBlock } from '../hpack/encoder.ts'
import type { Http2Limits } from '../limits.ts'
import { defaultHttp2Limits } from '../limits.ts'
import { Http2ServerConnection } from '../server-connection.ts'
import type { Frame } from './frame-reader.ts'
import { FrameReader } from './frame-reader.ts'
import { Inbox } from './pair.ts'

export interface SteeredServerOptions {
  /** Of the client. */
  settings?: [number, number][]
  limits?: Partial<Http2Limits>
  /** The client does not acknowledge our settings. */
  isSilent?: boolean
}

export class SteeredServer {
  readonly socket = new FakeSocket()
  readonly clock = new ManualClock()
  readonly streams: ServerStream[] = []
  readonly inboxes: Inbox[] = []
  readonly frames: Frame[] = []
  readonly malformed: string[] = []
  readonly connection: Http2ServerConnection
  readonly #reader = new FrameReader()
  #read = 0

  constructor({ settings = [], limits, isSilent }: SteeredServerOptions = {}) {
    const onStream = (stream: ServerStream): Inbox => {
      const inbox = new Inbox()
      this.streams.push(stream)
      this.inboxes.push(inbox)
      return inbox
    }
    this.connection = new Http2ServerConnection(this.socket.asSocket, {
      handler: { onStream, onMalformed: (code, detail) => this.malformed.push(`${code}: ${detail}`) },
      limits: { ...defaultHttp2Limits, ...limits },
      clock: this.clock,
      wheel: new TimerWheel({ tickMs: 100, clock: this.clock }),
    })
    this.socket.deliver(preface)
    this.send(frameTypes.settings, 0, 0, settingsPayload(settings))
    if (!isSilent) this.send(frameTypes.settings, flags.ack, 0)
  }

  send(type: number, frameFlags: number, streamId: number, payload: Uint8Array = new Uint8Array()): void {
    this.socket.deliver(writeFrame(type, frameFlags, streamId, payload))
  }

  ask(streamId: number, fields: string[], frameFlags: number = flags.endHeaders, path = '/'): void {
    const list = [':method', 'POST', ':scheme', 'http', ':path', path, ':authority', 'a', ...fields]
    this.send(frameTypes.headers, frameFlags, streamId, encodeHeaderBlock(list))
  }

  /** Lets time pass, and what is written leave. */
  async pass(ms: number): Promise<void> {
    this.clock.advance(ms)
    await new Promise(setImmediate)
    for (; this.#read < this.socket.written.length; this.#read++) {
      this.#reader.read(this.socket.written[this.#read]!, (frame) => this.frames.push(frame))
    }
  }

  /** Codes of RST_STREAM or GOAWAY that were sent. */
  codes(type: number): number[] {
    const at = type === frameTypes.goaway ? 4 : 0
    return this.frames.filter((frame) => frame.type === type).map(({ payload }) => payload.readUInt32BE(at))
  }
}
