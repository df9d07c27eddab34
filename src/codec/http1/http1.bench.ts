/** What a head costs to read and to write, and a whole exchange without the kernel: `node src/codec/http1/http1.bench.ts [LOOPS]`. */
import type { RequestHead, ResponseHead } from '../message.ts'
import type { ClientSink, ServerSink, ServerStream } from '../stream.ts'
import { TimerWheel } from '../timer-wheel.ts'
import { Http1ClientConnection } from './client-connection.ts'
import type { FieldMemory } from './framing.ts'
import { HeadBuffer } from './head-buffer.ts'
import { requestText, responseText } from './head-writer.ts'
import { defaultLimits } from './limits.ts'
import { parseRequestHead } from './request-head.ts'
import { parseResponseHead } from './response-head.ts'
import { Http1ServerConnection } from './server-connection.ts'
import { FakeSocket } from './testing/fake-socket.ts'

/** A browser's request: 9 fields, 3 of them new each time. */
const requestLines = [
  'GET /api/v1/products/1234?page=1 HTTP/1.1',
  'Host: reviews.shop.svc.cluster.local',
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36',
  'Accept: text/html,application/json;q=0.9,*/*;q=0.8',
  'Accept-Encoding: gzip, deflate, br',
  'X-Request-Id: 6f1c2e9a-4d7b-4e0a-9b0e-2f5a8c7d1e3f',
  'Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  'X-User: bench',
  'Cookie: session=abcdef0123456789',
]
const answerLines = [
  'HTTP/1.1 200 OK',
  'Server: nginx',
  'Date: Mon, 23 Nov 2026 10:00:00 GMT',
  'Content-Type: application/json; charset=utf-8',
  'Content-Length: 100',
  'Connection: keep-alive',
  'Cache-Control: no-store',
]
const wire = (lines: readonly string[], body = ''): Buffer =>
  Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1')
const requestBytes = wire(requestLines)
const answerBytes = wire(answerLines, 'x'.repeat(100))
const limits = defaultLimits

/** ns a call; the first fifth of the loops warms up. */
function measure(loops: number, run: () => unknown): number {
  for (let i = 0; i < loops / 5; i++) run()
  const start = process.hrtime.bigint()
  for (let i = 0; i < loops; i++) run()
  return Number(process.hrtime.bigint() - start) / loops
}

function readRequest(): () => RequestHead {
  const buffer = new HeadBuffer({ limits, maySkipLine: true })
  const memory: FieldMemory = []
  return () => {
    buffer.take(requestBytes, 0)
    return parseRequestHead(buffer.text, limits, memory).head
  }
}

function readAnswer(): () => ResponseHead {
  const buffer = new HeadBuffer({ limits, maySkipLine: false })
  const memory: FieldMemory = []
  return () => {
    buffer.take(answerBytes, 0)
    return parseResponseHead(buffer.text, 'GET', limits, memory).head
  }
}

/** Hands each request to a client connection and its answer back, as a proxy does that does nothing else. */
class Relay implements ServerSink, ClientSink {
  static upstream: Http1ClientConnection
  readonly #stream: ServerStream

  constructor(stream: ServerStream) {
    this.#stream = stream
    Relay.upstream.request(stream.head, this, true)
  }

  onHead(head: ResponseHead, isEnd: boolean): void {
    this.#stream.writeHead(head, isEnd)
  }

  onData(chunk: Uint8Array): void {
    this.#stream.writeData(chunk)
  }

  onEnd(): void {
    if (Relay.upstream.active === 1) this.#stream.writeEnd()
  }

  onInformational(): void {}
  onReset(): void {}
  onWritable(): void {}
  onFinished(): void {}
}

/** ns of a whole exchange: both heads read and written, body, timers, batches of writes; no system call. */
async function measureExchange(loops: number): Promise<number> {
  const clientSide = new FakeSocket()
  const serverSide = new FakeSocket()
  Relay.upstream = new Http1ClientConnection(serverSide.asSocket, {
    owner: { onIdle: () => undefined, onClosed: () => undefined },
    limits,
  })
  const handler = { onStream: (stream: ServerStream) => new Relay(stream), onMalformed: () => undefined }
  new Http1ServerConnection(clientSide.asSocket, { handler, limits, wheel: new TimerWheel({ tickMs: 1000 }) })
  const exchange = async (): Promise<void> => {
    clientSide.deliver(requestBytes)
    await new Promise(setImmediate)
    serverSide.deliver(answerBytes)
    await new Promise(setImmediate)
    clientSide.written.length = 0
    serverSide.written.length = 0
  }
  for (let i = 0; i < loops / 5; i++) await exchange()
  const start = process.hrtime.bigint()
  for (let i = 0; i < loops; i++) await exchange()
  return Number(process.hrtime.bigint() - start) / loops
}

/** ns an operation by name. */
export async function measureCodec(loops: number): Promise<Record<string, number>> {
  const request = readRequest()()
  const answer = readAnswer()()
  const terms = { method: 'GET', isOldClient: false, isKeepAlive: true }
  return {
    'read a request head': measure(loops, readRequest()),
    'write a request head': measure(loops, () => requestText(request, 0)),
    'read an answer head': measure(loops, readAnswer()),
    'write an answer head': measure(loops, () => responseText(answer, terms, 'fixed')),
    'relay an exchange': await measureExchange(Math.ceil(loops / 10)),
  }
}

async function main(): Promise<void> {
  const loops = Number(process.argv[2] ?? 300_000)
  for (const [name, ns] of Object.entries(await measureCodec(loops))) {
    console.log(`${name.padEnd(24)} ${ns.toFixed(0).padStart(6)} ns`)
  }
}

if (import.meta.main) await main()
