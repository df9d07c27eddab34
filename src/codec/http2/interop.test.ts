/** Our codec against Node's `node:http2`, both ways, over real sockets. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2 from 'node:http2'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import type { HeaderList, RequestHead, ResponseHead } from '../message.ts'
import { getHeader, unknownLength } from '../message.ts'
import type { ClientSink, ResetReason, ServerSink, ServerStream } from '../stream.ts'
import { TimerWheel } from '../timer-wheel.ts'
import { Http2ClientConnection } from './client-connection.ts'
import { defaultHttp2Limits } from './limits.ts'
import { Http2ServerConnection } from './server-connection.ts'

const wheel = new TimerWheel({ tickMs: 20 })
const limits = defaultHttp2Limits
const closers: (() => void)[] = []
after(() => {
  for (const close of closers) close()
})

/** Answers with what came: the body, method and path in headers, trailers as they were. */
class Echo implements ServerSink {
  readonly #stream: ServerStream
  constructor(stream: ServerStream) {
    this.#stream = stream
    const { method, path, headers } = stream.head
    const answer: ResponseHead = {
      status: 200,
      headers: ['x-method', method, 'x-path', path, ...headers.filter((_, i, all) => all[i - (i % 2)] === 'x-echo')],
      bodyLength: stream.head.bodyLength,
      upgrade: '',
    }
    stream.writeHead(answer, stream.head.bodyLength === 0)
  }
  onData(chunk: Uint8Array): void {
    if (!this.#stream.writeData(chunk)) this.#stream.pause()
  }
  onEnd(trailers: HeaderList | undefined): void {
    this.#stream.writeEnd(trailers)
  }
  onReset(reason: ResetReason): void {
    resets.push(reason)
  }
  onWritable(): void {
    this.#stream.resume()
  }
  onFinished(): void {
    finished++
  }
}
const resets: ResetReason[] = []
let finished = 0

async function ourServer(): Promise<{ url: string; connections: Http2ServerConnection[] }> {
  const connections: Http2ServerConnection[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    const handler = { onStream: (stream: ServerStream) => new Echo(stream), onMalformed: () => undefined }
    connections.push(new Http2ServerConnection(socket, { handler, limits, wheel }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    server.close()
    for (const connection of connections) connection.destroy()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connections }
}

function ask(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: Buffer,
): Promise<{ headers: http2.IncomingHttpHeaders; body: Buffer; trailers: http2.IncomingHttpHeaders | undefined }> {
  return new Promise((resolve, reject) => {
    const stream = session.request(headers, { endStream: body === undefined })
    let head: http2.IncomingHttpHeaders = {}
    let trailers: http2.IncomingHttpHeaders | undefined
    const chunks: Buffer[] = []
    stream.on('response', (got) => (head = got))
    stream.on('trailers', (got) => (trailers = got))
    stream.on('data', (chunk) => chunks.push(chunk as Buffer))
    stream.on('end', () => resolve({ headers: head, body: Buffer.concat(chunks), trailers }))
    stream.on('error', reject)
    if (body !== undefined) stream.end(body)
  })
}

function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8)) & 255
  return bytes
}

test('serves a client of Node: no body, small, of many windows', async () => {
  const { url } = await ourServer()
  const session = http2.connect(url)
  closers.push(() => session.destroy())
  const plain = await ask(session, { ':path': '/a?b=c', 'x-echo': 'yes' })
  assert.equal(plain.headers[':status'], 200)
  assert.equal(plain.headers['x-path'], '/a?b=c')
  assert.equal(plain.headers['x-echo'], 'yes')
  assert.equal(plain.body.length, 0)
  const small = await ask(session, { ':path': '/', ':method': 'POST' }, Buffer.from('hello'))
  assert.equal(small.body.toString(), 'hello')
  const large = pattern(5_000_000)
  const echoed = await ask(session, { ':path': '/', ':method': 'POST' }, large)
  assert.ok(echoed.body.equals(large), 'the body came back as it was')
})

test('serves a hundred streams at a time on one connection', async () => {
  const { url } = await ourServer()
  const session = http2.connect(url)
  closers.push(() => session.destroy())
  const bodies = Array.from({ length: 100 }, (_, i) => pattern(1000 * i))
  const answers = await Promise.all(
    bodies.map((body, i) => ask(session, { ':path': `/${i}`, ':method': 'POST' }, body)),
  )
  answers.forEach(({ headers, body }, i) => {
    assert.equal(headers['x-path'], `/${i}`)
    assert.ok(body.equals(bodies[i]!))
  })
})

test('passes trailers behind a body that waits for windows', async () => {
  const { url } = await ourServer()
  const session = http2.connect(url)
  closers.push(() => session.destroy())
  const body = pattern(1_000_000)
  const stream = session.request({ ':path': '/', ':method': 'POST' }, { waitForTrailers: true })
  stream.on('wantTrailers', () => (stream as unknown as http2.ServerHttp2Stream).sendTrailers({ 'x-sum': '42' }))
  const chunks: Buffer[] = []
  stream.on('data', (chunk) => chunks.push(chunk as Buffer))
  stream.end(body)
  const [[trailers]] = await Promise.all([once(stream, 'trailers'), once(stream, 'end')])
  assert.ok(Buffer.concat(chunks).equals(body))
  assert.equal(trailers['x-sum'], '42')
})

test('tells the sink when the answer has left, and when the client has gone', async () => {
  const { url } = await ourServer()
  const session = http2.connect(url)
  finished = 0
  resets.length = 0
  await ask(session, { ':path': '/' })
  while (finished === 0) await new Promise(setImmediate)
  const stream = session.request({ ':path': '/', ':method': 'POST' }, { endStream: false })
  stream.on('error', () => undefined)
  await once(stream, 'response')
  stream.resume()
  stream.destroy()
  while (resets.length === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  assert.deepEqual(resets, ['connection-lost'])
  session.destroy()
})

test('drains: the request under way ends, a new one is refused by GOAWAY, then it closes', async () => {
  const { url, connections } = await ourServer()
  const session = http2.connect(url)
  session.on('error', () => undefined)
  const stream = session.request({ ':path': '/', ':method': 'POST' }, { endStream: false })
  await once(stream, 'response')
  connections[0]!.drain()
  await once(session, 'goaway')
  stream.end('late')
  const chunks: Buffer[] = []
  stream.on('data', (chunk) => chunks.push(chunk as Buffer))
  await once(stream, 'end')
  assert.equal(Buffer.concat(chunks).toString(), 'late')
  if (!session.closed) await once(session, 'close')
  assert.ok(connections[0]!.isIdle)
})

// Our client against Node's server.

class Answer implements ClientSink {
  head: ResponseHead | undefined
  readonly informational: number[] = []
  readonly chunks: Buffer[] = []
  trailers: HeaderList | undefined
  reset: { reason: ResetReason; wasSent: boolean; hasBytes: boolean; detail: string } | undefined
  readonly done: Promise<this>
  #resolve!: (answer: this) => void
  onRoom: () => void = () => undefined
  constructor() {
    this.done = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }
  onInformational(status: number): void {
    this.informational.push(status)
  }
  onHead(head: ResponseHead, isEnd: boolean): void {
    this.head = head
    if (isEnd) this.#resolve(this)
  }
  onData(chunk: Uint8Array): void {
    this.chunks.push(Buffer.from(chunk))
  }
  onEnd(trailers: HeaderList | undefined): void {
    this.trailers = trailers
    this.#resolve(this)
  }
  onReset(reason: ResetReason, state: { wasSent: boolean; hasBytes: boolean; detail: string }): void {
    this.reset = { reason, ...state }
    this.#resolve(this)
  }
  onWritable(): void {
    this.onRoom()
  }
  get body(): Buffer {
    return Buffer.concat(this.chunks)
  }
}

function requestHead(given: Partial<RequestHead> = {}): RequestHead {
  return {
    method: 'GET',
    scheme: 'http',
    authority: 'a.example',
    path: '/',
    headers: [],
    version: 'HTTP/1.1',
    bodyLength: 0,
    upgrade: '',
    expectsContinue: false,
    isAbsolute: false,
    ...given,
  }
}

async function ourClient(
  onStream: (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => void,
  options: http2.ServerOptions = {},
): Promise<{ connection: Http2ClientConnection; events: string[]; server: http2.Http2Server; socket: Socket }> {
  const server = http2.createServer(options)
  server.on('stream', onStream)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'connect')
  const events: string[] = []
  const owner = { onIdle: () => events.push('idle'), onClosed: () => events.push('closed') }
  const connection = new Http2ClientConnection(socket, { owner, limits, wheel })
  closers.push(() => {
    connection.destroy()
    server.close()
  })
  return { connection, events, server, socket }
}

test('asks a server of Node, with body, trailers both ways and interim answers', async () => {
  const { connection, events } = await ourClient(
    (stream, headers) => {
      stream.on('error', () => undefined)
      stream.additionalHeaders({ ':status': 103, link: '</a>' })
      stream.respond({ ':status': 201, 'x-path': headers[':path'] }, { waitForTrailers: true })
      let trailers: http2.IncomingHttpHeaders = {}
      stream.on('trailers', (got) => {
        trailers = got
      })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': trailers['x-sum'] ?? 'none' }))
      stream.pipe(stream)
    },
    { settings: { enableConnectProtocol: true } },
  )
  const answer = new Answer()
  const stream = connection.request(
    requestHead({ method: 'POST', path: '/x', bodyLength: unknownLength }),
    answer,
    false,
  )
  const body = pattern(300_000)
  let at = 0
  const write = (): void => {
    while (at < body.length) {
      const isOk = stream.writeData(body.subarray(at, at + 20_000))
      at += 20_000
      if (!isOk) return
    }
    stream.writeEnd(['x-sum', '17'])
  }
  answer.onRoom = write
  write()
  await answer.done
  assert.equal(answer.reset, undefined)
  assert.deepEqual(answer.informational, [103])
  assert.equal(answer.head?.status, 201)
  assert.equal(getHeader(answer.head!.headers, 'x-path'), '/x')
  assert.ok(answer.body.equals(body))
  assert.deepEqual(answer.trailers, ['x-sum', '17'])
  assert.ok(events.includes('idle'))
})

test('keeps to the streams that the server allows, and says when there is room', async () => {
  const held: http2.ServerHttp2Stream[] = []
  const { connection, events } = await ourClient((stream) => held.push(stream), {
    settings: { maxConcurrentStreams: 2 },
  })
  while (connection.capacity > 2) await new Promise(setImmediate)
  const answers = [new Answer(), new Answer()]
  for (const answer of answers) connection.request(requestHead(), answer, true)
  assert.equal(connection.capacity, 0)
  while (held.length < 2) await new Promise((resolve) => setTimeout(resolve, 1))
  events.length = 0
  held[0]!.respond({ ':status': 204 }, { endStream: true })
  await answers[0]!.done
  assert.equal(answers[0]!.head!.status, 204)
  assert.deepEqual(events, ['idle'])
  assert.equal(connection.capacity, 1)
})

test('a stream that the server refuses was not begun with; a reset one may have been', async () => {
  const { connection } = await ourClient((stream, headers) => {
    stream.on('error', () => undefined)
    const isRefused = headers[':path'] === '/refused'
    stream.close(isRefused ? http2.constants.NGHTTP2_REFUSED_STREAM : http2.constants.NGHTTP2_INTERNAL_ERROR)
  })
  const refused = new Answer()
  connection.request(requestHead({ path: '/refused' }), refused, true)
  const broken = new Answer()
  connection.request(requestHead({ path: '/broken' }), broken, true)
  await Promise.all([refused.done, broken.done])
  assert.equal(refused.reset?.reason, 'refused')
  assert.equal(refused.reset?.wasSent, false)
  assert.equal(broken.reset?.reason, 'connection-lost')
  assert.equal(broken.reset?.wasSent, true)
})

test('GOAWAY: what was begun ends, the connection takes no more', async () => {
  const held: http2.ServerHttp2Stream[] = []
  const { connection, events } = await ourClient((stream) => held.push(stream))
  const answer = new Answer()
  connection.request(requestHead(), answer, true)
  while (held.length < 1) await new Promise((resolve) => setTimeout(resolve, 1))
  held[0]!.session!.goaway()
  while (!events.includes('closed')) await new Promise((resolve) => setTimeout(resolve, 1))
  assert.equal(connection.capacity, 0)
  held[0]!.respond({ ':status': 200 })
  held[0]!.end('done')
  await answer.done
  assert.equal(answer.body.toString(), 'done')
})

test('a slow reader stops its own stream, not the others', async () => {
  const large = pattern(3_000_000)
  const { connection } = await ourClient((stream, headers) => {
    stream.on('error', () => undefined)
    stream.respond({ ':status': 200 })
    stream.end(headers[':path'] === '/large' ? large : 'small')
  })
  const slow = new Answer()
  const stream = connection.request(requestHead({ path: '/large' }), slow, true)
  stream.pause()
  for (let i = 0; i < 20; i++) {
    const quick = new Answer()
    connection.request(requestHead(), quick, true)
    await quick.done
    assert.equal(quick.body.toString(), 'small')
  }
  assert.ok(slow.body.length === 0)
  stream.resume()
  await slow.done
  assert.ok(slow.body.equals(large))
})

test('a connection that is lost ends its streams, and nothing else', async () => {
  const { connection, events, socket } = await ourClient(() => undefined)
  const answer = new Answer()
  connection.request(requestHead(), answer, true)
  await new Promise(setImmediate)
  socket.destroy()
  await answer.done
  assert.equal(answer.reset?.reason, 'connection-lost')
  assert.deepEqual(events, ['closed'])
})
