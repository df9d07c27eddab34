import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { after, before, test } from 'node:test'
import type { HeaderList, RequestHead, ResponseHead } from '../message.ts'
import { unknownLength } from '../message.ts'
import type { ClientSink, ClientStream, ResetReason, ServerSink, ServerStream } from '../stream.ts'
import { TimerWheel } from '../timer-wheel.ts'
import { Http1ClientConnection } from './client-connection.ts'
import { defaultLimits } from './limits.ts'
import { Http1ServerConnection } from './server-connection.ts'

const wheel = new TimerWheel({ tickMs: 20 })
const malformed: string[] = []
const connections = new Set<Http1ServerConnection>()

/** Echoes the body back, or does what the path says. */
class EchoSink implements ServerSink {
  readonly stream: ServerStream
  constructor(stream: ServerStream) {
    this.stream = stream
    const { head } = stream
    if (head.expectsContinue) stream.writeInformational(100, [])
    if (head.upgrade !== '') {
      stream.writeHead({ status: 101, headers: [], bodyLength: 0, upgrade: head.upgrade }, false)
      return
    }
    const headers: HeaderList = ['x-method', head.method, 'x-authority', head.authority, 'x-path', head.path]
    if (head.path === '/empty') stream.writeHead({ status: 204, headers, bodyLength: 0, upgrade: '' }, true)
    else stream.writeHead({ status: 200, headers, bodyLength: head.bodyLength, upgrade: '' }, false)
  }
  onData(chunk: Uint8Array): void {
    if (!this.stream.writeData(Buffer.from(chunk))) this.stream.pause()
  }
  onEnd(trailers: HeaderList | undefined): void {
    this.stream.writeEnd(trailers)
  }
  onReset(): void {}
  onWritable(): void {
    this.stream.resume()
  }
  onFinished(): void {}
}

const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
  const connection = new Http1ServerConnection(socket, {
    handler: {
      onStream: (stream) => new EchoSink(stream),
      onMalformed: (code, detail) => void malformed.push(`${code}: ${detail}`),
    },
    limits: { ...defaultLimits, headerTimeoutMs: 200, idleTimeoutMs: 5000 },
    wheel,
    onClosed: () => void connections.delete(connection),
  })
  connections.add(connection)
})
let port = 0
before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as net.AddressInfo).port
})
after(() => {
  for (const connection of connections) connection.destroy()
  server.close()
})

/** Sends bytes, gives everything that came back until the server closed. */
async function exchange(bytes: string): Promise<string> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'connect')
  socket.write(bytes, 'latin1')
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  await once(socket, 'end')
  socket.destroy()
  return text
}

/** The same with our side closed after the bytes, as the end of a tunnel. */
async function tunnel(bytes: string): Promise<string> {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  await once(socket, 'connect')
  socket.write(bytes, 'latin1')
  let text = ''
  for await (const chunk of socket) {
    text += chunk.toString('latin1')
    if (text.endsWith('raw bytes')) socket.end()
  }
  return text
}

test('answers pipelined requests in order on one connection', async () => {
  const text = await exchange(
    'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /3 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
  )
  assert.deepEqual(
    [...text.matchAll(/x-path: (\S+)/g)].map((match) => match[1]),
    ['/1', '/2', '/3'],
  )
  assert.match(text, /\r\n\r\nhiHTTP\/1\.1 200/)
})

test('closes after an answer when the client asks for it', async () => {
  const text = await exchange('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  assert.match(text, /connection: close\r\n/)
})

test('answers 100 before the body when asked', async () => {
  const text = await exchange(
    'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\nabc',
  )
  assert.match(text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/)
  assert.match(text, /abc$/)
})

test('passes chunked bodies and trailers', async () => {
  const text = await exchange(
    'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX-Sum: 5\r\nContent-Length: 9\r\n\r\n',
  )
  assert.match(text, /transfer-encoding: chunked\r\n/)
  assert.match(text, /3\r\nabc\r\n2\r\nde\r\n0\r\nx-sum: 5\r\n\r\n$/)
})

test('speaks HTTP/1.0: no chunking, closes at the end', async () => {
  const text = await exchange('GET / HTTP/1.0\r\n\r\n')
  assert.match(text, /content-length: 0\r\n/)
  assert.match(text, /connection: close/)
})

test('turns into a tunnel after an upgrade', async () => {
  const text = await tunnel('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nraw bytes')
  assert.match(
    text,
    /^HTTP\/1\.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nraw bytes$/,
  )
})

test('refuses a head that does not come whole in time', async () => {
  const text = await exchange('GET / HTTP/1.1\r\nHost')
  assert.match(text, /^HTTP\/1\.1 408 /)
  assert.ok(malformed.some((line) => line.startsWith('request_header_timeout')))
})

test('never reads the rest of a refused request as another', async () => {
  const text = await exchange(
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n',
  )
  assert.match(text, /^HTTP\/1\.1 400 /)
  assert.doesNotMatch(text, /smuggled/)
})

interface Answer {
  head?: ResponseHead
  body: string
  trailers?: HeaderList
  reset?: { reason: ResetReason; wasSent: boolean; detail: string }
  informational: number[]
}

/** Collects an answer. */
class CollectSink implements ClientSink {
  readonly answer: Answer = { body: '', informational: [] }
  readonly done: Promise<Answer>
  #resolve!: (answer: Answer) => void
  onWritable: () => void = () => {}
  constructor() {
    this.done = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }
  onInformational(status: number): void {
    this.answer.informational.push(status)
  }
  onHead(head: ResponseHead, isEnd: boolean): void {
    this.answer.head = head
    if (isEnd) this.#resolve(this.answer)
  }
  onData(chunk: Uint8Array): void {
    this.answer.body += Buffer.from(chunk).toString('latin1')
  }
  onEnd(trailers: HeaderList | undefined): void {
    if (trailers) this.answer.trailers = trailers
    this.#resolve(this.answer)
  }
  onReset(reason: ResetReason, state: { wasSent: boolean; detail: string }): void {
    this.answer.reset = { reason, ...state }
    this.#resolve(this.answer)
  }
}

async function connect(to = port): Promise<{ connection: Http1ClientConnection; events: string[] }> {
  const socket = net.connect({ port: to, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  await once(socket, 'connect')
  const events: string[] = []
  const owner = { onIdle: () => void events.push('idle'), onClosed: () => void events.push('closed') }
  return { connection: new Http1ClientConnection(socket, { owner, limits: defaultLimits }), events }
}

const head = (path: string, extra: Partial<RequestHead> = {}): RequestHead => ({
  method: 'GET',
  scheme: 'http',
  authority: 'a',
  path,
  headers: [],
  version: 'HTTP/1.1',
  bodyLength: 0,
  upgrade: '',
  expectsContinue: false,
  isAbsolute: false,
  ...extra,
})

test('carries requests one after another over one connection', async () => {
  const { connection, events } = await connect()
  for (let i = 0; i < 3; i++) {
    assert.equal(connection.capacity, 1)
    const sink = new CollectSink()
    connection.request(head(`/${i}`), sink, true)
    assert.equal(connection.capacity, 0)
    const answer = await sink.done
    assert.equal(answer.head?.status, 200)
    assert.ok(answer.head?.headers.includes(`/${i}`))
  }
  assert.deepEqual(events, ['idle', 'idle', 'idle'])
  connection.destroy()
})

test('streams a body of unknown length with trailers both ways', async () => {
  const { connection } = await connect()
  const sink = new CollectSink()
  const stream = connection.request(head('/', { method: 'POST', bodyLength: unknownLength }), sink, false)
  stream.writeData(Buffer.from('one'))
  stream.writeData(Buffer.from('two'))
  stream.writeEnd(['x-t', '1'])
  const answer = await sink.done
  assert.equal(answer.body, 'onetwo')
  assert.deepEqual(answer.trailers, ['x-t', '1'])
  connection.destroy()
})

test('never writes more of a body than it announced', async () => {
  const { connection, events } = await connect()
  const sink = new CollectSink()
  const stream = connection.request(head('/', { method: 'POST', bodyLength: 3 }), sink, false)
  stream.writeData(Buffer.from('abcGET /smuggled HTTP/1.1\r\n'))
  assert.deepEqual(events, ['closed'])
})

test('refuses header values that would be read as further fields', async () => {
  const { connection } = await connect()
  assert.throws(
    () => connection.request({ ...head('/'), headers: ['x', 'a\r\ny: b'] }, new CollectSink(), true),
    /line break/,
  )
  connection.destroy()
})

/** A server that answers whatever bytes it is told, once a connection. */
async function withRawServer(answer: string, run: (port: number) => Promise<void>, isClosing = false): Promise<void> {
  const raw = net.createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', () => (isClosing ? socket.end(answer, 'latin1') : socket.write(answer, 'latin1')))
  })
  raw.listen(0, '127.0.0.1')
  await once(raw, 'listening')
  try {
    await run((raw.address() as net.AddressInfo).port)
  } finally {
    raw.close()
  }
}

for (const [claim, answer, isClosing, expected] of [
  ['a body that ends with the connection', 'HTTP/1.1 200 OK\r\n\r\nall of it', true, { body: 'all of it' }],
  [
    '1xx before the answer',
    'HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
    false,
    { informational: [103] },
  ],
  [
    'a fixed body cut short is a reset',
    'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc',
    true,
    { reset: 'connection-lost' },
  ],
  [
    'two lengths are a protocol error',
    'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc',
    false,
    { reset: 'protocol-error' },
  ],
  [
    'a bad chunk size is a protocol error',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n',
    false,
    { reset: 'protocol-error' },
  ],
  ['nothing at all is a reset', '', true, { reset: 'connection-lost' }],
] as const) {
  test(`reads an answer: ${claim}`, async () => {
    await withRawServer(
      answer,
      async (rawPort) => {
        const { connection } = await connect(rawPort)
        const sink = new CollectSink()
        connection.request(head('/'), sink, true)
        const got = await sink.done
        if ('body' in expected) assert.equal(got.body, expected.body)
        if ('informational' in expected) assert.deepEqual(got.informational, expected.informational)
        assert.equal(got.reset?.reason, 'reset' in expected ? expected.reset : undefined)
        connection.destroy()
      },
      isClosing,
    )
  })
}

test('an answer to HEAD has no body whatever its length says', async () => {
  await withRawServer('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n', async (rawPort) => {
    const { connection } = await connect(rawPort)
    const sink = new CollectSink()
    connection.request(head('/', { method: 'HEAD' }), sink, true)
    assert.equal((await sink.done).head?.bodyLength, 100)
    assert.equal(connection.capacity, 1)
    connection.destroy()
  })
})

test('closes an idle connection on bytes that nobody asked for', async () => {
  await withRawServer(
    'HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    async (rawPort) => {
      const { connection, events } = await connect(rawPort)
      const sink = new CollectSink()
      connection.request(head('/'), sink, true)
      await sink.done
      while (!events.includes('closed')) await new Promise(setImmediate)
      assert.equal(connection.capacity, 0)
    },
  )
})

test('holds back a fast sender when the reader is slow, and loses nothing', async () => {
  const { connection } = await connect()
  const total = 64 * 1024 * 1024
  const chunk = Buffer.alloc(65_536, 7)
  let received = 0
  let sent = 0
  let peak = 0
  await new Promise<void>((resolve, reject) => {
    let stream: ClientStream
    const pump = (): void => {
      while (sent < total) {
        sent += chunk.length
        if (!stream.writeData(chunk)) return
      }
      stream.writeEnd()
    }
    const sink = new (class extends CollectSink {
      override onData(data: Uint8Array): void {
        received += data.length
        peak = Math.max(peak, sent - received)
        stream.pause()
        setImmediate(() => stream.resume())
      }
      override onEnd(): void {
        resolve()
      }
      override onReset(reason: ResetReason, state: { detail: string }): void {
        reject(new Error(`${reason} ${state.detail}`))
      }
    })()
    sink.onWritable = pump
    stream = connection.request(head('/', { method: 'POST', bodyLength: total }), sink, false)
    pump()
  })
  assert.equal(received, total)
  assert.ok(peak < 32 * 1024 * 1024, `at most ${peak} bytes were under way`)
  connection.destroy()
})
