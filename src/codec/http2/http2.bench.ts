/** What a head costs to read and to write, and a whole exchange without the kernel: `node src/codec/http2/http2.bench.ts [LOOPS]`. */
import { FakeSocket } from '../http1/testing/fake-socket.ts'
import type { RequestHead, ResponseHead } from '../message.ts'
import type { ClientSink, ClientStream, ServerSink, ServerStream } from '../stream.ts'
import { TimerWheel } from '../timer-wheel.ts'
import { Http2ClientConnection } from './client-connection.ts'
import type { FieldList } from './field-list.ts'
import { flags, frameTypes, preface, settingsPayload, writeFrame } from './frame.ts'
import { FrameParser } from './frame-parser.ts'
import { HpackDecoder } from './hpack/decoder.ts'
import { HpackEncoder } from './hpack/encoder.ts'
import { defaultHttp2Limits } from './limits.ts'
import { readRequest, writeRequest } from './request-fields.ts'
import { readResponse, writeResponse } from './response-fields.ts'
import { Http2ServerConnection } from './server-connection.ts'

/** A browser's request, as the benchmark of HTTP/1.1 has it: 9 fields, 3 of them new each time. */
const requestFields = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/api/v1/products/1234?page=1'],
  [':authority', 'reviews.shop.svc.cluster.local'],
  ['user-agent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36'],
  ['accept', 'text/html,application/json;q=0.9,*/*;q=0.8'],
  ['accept-encoding', 'gzip, deflate, br'],
  ['x-request-id', '6f1c2e9a-4d7b-4e0a-9b0e-2f5a8c7d1e3f'],
  ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
  ['x-user', 'bench'],
  ['cookie', 'session=abcdef0123456789'],
].flat()
const answerFields = [
  [':status', '200'],
  ['server', 'nginx'],
  ['date', 'Mon, 23 Nov 2026 10:00:00 GMT'],
  ['content-type', 'application/json; charset=utf-8'],
  ['content-length', '100'],
  ['cache-control', 'no-store'],
].flat()
const limits = defaultHttp2Limits
const { requestLineBytesMax } = limits
const answerBody = Buffer.alloc(100, 'x')
const table = { tableBytesMax: 4096, listBytesMax: 65_536 }
const answerTo = { method: 'GET', upgrade: '', isEnd: false }

/** Blocks of a peer that indexes: the first puts its fields into the table, the second refers to them. */
function blocks(fields: readonly string[]): [Buffer, Buffer] {
  const encoder = new HpackEncoder()
  const write = (): Buffer => {
    encoder.begin()
    for (let i = 0; i < fields.length; i += 2) encoder.field(fields[i]!, fields[i + 1]!)
    return Buffer.from(encoder.end())
  }
  return [write(), write()]
}

/** ns a call; the first fifth of the loops warms up. */
function measure(loops: number, run: () => unknown): number {
  for (let i = 0; i < loops / 5; i++) run()
  const start = process.hrtime.bigint()
  for (let i = 0; i < loops; i++) run()
  return Number(process.hrtime.bigint() - start) / loops
}

function reader(fields: readonly string[]): () => FieldList {
  const [first, later] = blocks(fields)
  const decoder = new HpackDecoder(table)
  decoder.decode(first)
  return () => ({ list: decoder.list, count: decoder.read(later, 0, later.length) })
}

function writer(write: (encoder: HpackEncoder) => void): () => Buffer {
  const encoder = new HpackEncoder()
  return () => {
    write(encoder)
    return encoder.end()
  }
}

/** Hands each request to a client connection and its answer back, as a proxy does that does nothing else. */
class Relay implements ServerSink, ClientSink {
  static upstream: Http2ClientConnection
  readonly #stream: ServerStream
  readonly #onward: ClientStream

  constructor(stream: ServerStream) {
    this.#stream = stream
    this.#onward = Relay.upstream.request(stream.head, this, stream.head.bodyLength === 0)
  }

  onHead(head: ResponseHead, isEnd: boolean): void {
    this.#stream.writeHead(head, isEnd)
    this.onData = this.#onAnswer
  }

  onData(chunk: Uint8Array): void {
    this.#onward.writeData(chunk)
  }

  readonly #onAnswer = (chunk: Uint8Array): void => {
    this.#stream.writeData(chunk)
  }

  /** The request's end was told with its head. */
  onEnd(): void {
    if (this.onData === this.#onAnswer) this.#stream.writeEnd()
  }

  onInformational(): void {}
  onReset(): void {}
  onWritable(): void {}
  onFinished(): void {}
}

/** Frames with an id that is put in later. */
class Script {
  readonly #bytes: Buffer
  readonly #at: number[] = []

  constructor(frames: Buffer[]) {
    this.#bytes = Buffer.concat(frames)
    for (let at = 0; at < this.#bytes.length; at += 9 + this.#bytes.readUIntBE(at, 3)) this.#at.push(at + 5)
  }

  writeInto(target: Buffer, offset: number, streamId: number): number {
    this.#bytes.copy(target, offset)
    for (const at of this.#at) target.writeUInt32BE(streamId, offset + at)
    return offset + this.#bytes.length
  }
}

const { endHeaders, endStream } = flags

function headers(block: Buffer, isEnd: boolean): Buffer {
  return writeFrame(frameTypes.headers, endHeaders | (isEnd ? endStream : 0), 0, block)
}

/** ns of a whole exchange, `streamCount` of them a turn: both heads read and written, body, windows; no system call. */
async function measureExchange(loops: number, streamCount: number): Promise<number> {
  const clientSide = new FakeSocket()
  const serverSide = new FakeSocket()
  const wheel = new TimerWheel({ tickMs: 1000 })
  const owner = { onIdle: () => undefined, onClosed: () => undefined }
  const handler = {
    onStream: (stream: ServerStream) => new Relay(stream),
    onMalformed: (code: string, detail: string) => {
      throw new Error(`${code}: ${detail}`)
    },
  }
  Relay.upstream = new Http2ClientConnection(serverSide.asSocket, { owner, limits, wheel })
  const server = new Http2ServerConnection(clientSide.asSocket, { handler, limits, wheel })
  const greeting = Buffer.concat([
    writeFrame(frameTypes.settings, 0, 0, settingsPayload([[4, 0x7fffffff]])),
    writeFrame(frameTypes.windowUpdate, 0, 0, Buffer.from([0x7f, 0, 0, 0])),
  ])
  clientSide.deliver(Buffer.concat([preface, greeting]))
  serverSide.deliver(greeting)
  const [firstRequest, laterRequest] = blocks(requestFields)
  const [firstAnswer, laterAnswer] = blocks(answerFields)
  const body = writeFrame(frameTypes.data, endStream, 0, answerBody)
  const scripts = {
    first: [new Script([headers(firstRequest, true)]), new Script([headers(firstAnswer, false), body])] as const,
    later: [new Script([headers(laterRequest, true)]), new Script([headers(laterAnswer, false), body])] as const,
  }
  const requestBytes = Buffer.alloc(65_536)
  const answerBytes = Buffer.alloc(65_536)
  let id = -1
  const exchange = async ([request, answer] = scripts.later, count = streamCount): Promise<void> => {
    let requestEnd = 0
    let answerEnd = 0
    for (let i = 0; i < count; i++) {
      id += 2
      requestEnd = request.writeInto(requestBytes, requestEnd, id)
      answerEnd = answer.writeInto(answerBytes, answerEnd, id)
    }
    clientSide.deliver(requestBytes.subarray(0, requestEnd))
    await new Promise(setImmediate)
    serverSide.deliver(answerBytes.subarray(0, answerEnd))
    await new Promise(setImmediate)
    clientSide.written.length = 0
    serverSide.written.length = 0
  }
  await exchange(scripts.first, 1)
  const turns = Math.ceil(loops / streamCount)
  for (let i = 0; i < turns / 5; i++) await exchange()
  const start = process.hrtime.bigint()
  for (let i = 0; i < turns; i++) await exchange()
  const ns = Number(process.hrtime.bigint() - start) / turns / streamCount
  Relay.upstream.destroy()
  server.destroy()
  return ns
}

/** ns a frame of 100 bytes; 100 of them in a chunk. */
function measureFrames(loops: number): number {
  const chunk = Buffer.concat(Array.from({ length: 100 }, () => writeFrame(frameTypes.data, 0, 1, answerBody)))
  const target = {
    onFrame: () => undefined,
    onHeaderBlock: () => undefined,
    onDataBegin: () => undefined,
    onDataPiece: () => undefined,
  }
  const parser = new FrameParser(target)
  return measure(Math.ceil(loops / 100), () => parser.read(chunk)) / 100
}

/** ns an operation by name. */
export async function measureCodec(loops: number): Promise<Record<string, number>> {
  const request: RequestHead = readRequest(reader(requestFields)(), true, requestLineBytesMax)
  const answer = readResponse(reader(answerFields)(), answerTo)
  const readRequestList = reader(requestFields)
  const readAnswerList = reader(answerFields)
  return {
    'read a frame': measureFrames(loops),
    'read a request head': measure(loops, () => readRequest(readRequestList(), true, requestLineBytesMax)),
    'write a request head': measure(
      loops,
      writer((encoder) => writeRequest(encoder, request, 0)),
    ),
    'read an answer head': measure(loops, () => readResponse(readAnswerList(), answerTo)),
    'write an answer head': measure(
      loops,
      writer((encoder) => writeResponse(encoder, answer, 'GET')),
    ),
    'relay an exchange, 1 a turn': await measureExchange(Math.ceil(loops / 10), 1),
    'relay an exchange, 20 a turn': await measureExchange(loops, 20),
  }
}

async function main(): Promise<void> {
  const loops = Number(process.argv[2] ?? 300_000)
  for (const [name, ns] of Object.entries(await measureCodec(loops))) {
    console.log(`${name.padEnd(30)} ${ns.toFixed(0).padStart(6)} ns`)
  }
}

if (import.meta.main) await main()
