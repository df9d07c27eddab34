/** Clients that send whatever bytes and frames they like, and say what became of it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { flags, frameTypes, preface, writeFrame } from '#/codec/http2/frame.ts'
import { codeName } from '#/codec/http2/frame-check.ts'
import { HpackDecoder } from '#/codec/http2/hpack/decoder.ts'
import { encodeHeaderBlock } from '#/codec/http2/hpack/encoder.ts'
import type { Frame } from '#/codec/http2/testing/frame-reader.ts'
import { FrameReader } from '#/codec/http2/testing/frame-reader.ts'

const waitMs = 5000

/** Resolves when it is true; fails with what was seen instead. */
export async function until(isTrue: () => boolean, what: () => string): Promise<void> {
  const endMs = performance.now() + waitMs
  while (!isTrue()) {
    if (performance.now() > endMs) throw new Error(`after ${waitMs} ms: ${what()}`)
    await new Promise((resolve) => setTimeout(resolve, 3))
  }
}

export class RawClient {
  readonly socket: Socket
  text = ''
  hasClosed = false

  /** Resolves when connected. */
  static async open(port: number): Promise<RawClient> {
    const client = new RawClient(port)
    await once(client.socket, 'connect')
    return client
  }

  protected constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true })
    this.socket.on('data', (chunk) => this.onBytes(chunk as Buffer))
    this.socket.on('error', () => undefined)
    const close = (): void => {
      this.hasClosed = true
    }
    this.socket.on('end', close)
    this.socket.on('close', close)
  }

  protected onBytes(chunk: Buffer): void {
    this.text += chunk.toString('latin1')
  }

  write(bytes: string | Buffer): void {
    this.socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  }

  /** `431 request_headers_too_large`: status and code of the first answer; `closed` for none. */
  async outcome(): Promise<string> {
    await until(
      () => this.text.includes('\r\n\r\n') || this.hasClosed,
      () => `no answer, but ${JSON.stringify(this.text)}`,
    )
    if (this.text === '') return 'closed'
    const status = this.text.slice(9, 12)
    const code = /^weft-detail: ([a-z_]+)/m.exec(this.text)?.[1]
    return code === undefined ? status : `${status} ${code}`
  }

  async expect(outcome: string): Promise<void> {
    assert.equal(await this.outcome(), outcome)
  }

  destroy(): void {
    this.socket.destroy()
  }
}

export class RawHttp2Client extends RawClient {
  /** Answers, resets and goodbyes, in the order in which they came: `HEADERS 1 200`, `RST_STREAM 1 CANCEL`, `GOAWAY NO_ERROR`. */
  readonly events: string[] = []
  readonly #reader = new FrameReader()
  readonly #decoder = new HpackDecoder({ tableBytesMax: 4096, listBytesMax: 65_536 })

  /** @param isSilent acknowledges no SETTINGS. */
  static override async open(port: number, isSilent = false): Promise<RawHttp2Client> {
    const client = new RawHttp2Client(port)
    await once(client.socket, 'connect')
    client.write(preface)
    client.frame(frameTypes.settings, 0, 0)
    if (!isSilent) client.frame(frameTypes.settings, flags.ack, 0)
    return client
  }

  frame(type: number, frameFlags: number, streamId: number, payload: Buffer = Buffer.alloc(0)): void {
    this.write(writeFrame(type, frameFlags, streamId, payload))
  }

  /** @param fields beside those of a GET. */
  ask(streamId: number, fields: readonly string[] = [], frameFlags: number = flags.endHeaders | flags.endStream): void {
    const list = [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'echo.shop', ...fields]
    this.frame(frameTypes.headers, frameFlags, streamId, encodeHeaderBlock(list))
  }

  protected override onBytes(chunk: Buffer): void {
    this.#reader.read(chunk, (frame) => this.#onFrame(frame))
  }

  #onFrame({ type, streamId, payload }: Frame): void {
    if (type === frameTypes.headers) this.events.push(`HEADERS ${streamId} ${this.#decoder.decode(payload)[1]}`)
    else if (type === frameTypes.rstStream)
      this.events.push(`RST_STREAM ${streamId} ${codeName(payload.readUInt32BE(0))}`)
    else if (type === frameTypes.goaway) this.events.push(`GOAWAY ${codeName(payload.readUInt32BE(4))}`)
  }

  /** The first event that there is, past those that were seen before. */
  override async outcome(): Promise<string> {
    await until(
      () => this.events.length > 0 || this.hasClosed,
      () => 'no answer',
    )
    return this.events.shift() ?? 'closed'
  }

  /** Of all that comes. */
  override async expect(outcome: string): Promise<void> {
    const what = (): string => `no ${outcome} but ${this.events.join(', ')}${this.hasClosed ? ' and the end' : ''}`
    await until(() => this.events.includes(outcome) || (this.hasClosed && outcome === 'closed'), what)
  }
}

export { flags, frameTypes }
