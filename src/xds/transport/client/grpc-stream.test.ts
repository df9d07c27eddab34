import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Http2Server, ServerHttp2Stream } from 'node:http2'
import { createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { FakeSocket } from '#/codec/http1/testing/fake-socket.ts'
import { readFrames } from '#/codec/http2/testing/frame-notation.ts'
import { ManualClock } from '#/std/clock.ts'
import { GrpcStream } from './grpc-stream.ts'
import { frameMessage, MessageReader } from './message-reader.ts'

/** A stream over a socket and a clock that a test steers. */
class SteeredStream {
  readonly socket = new FakeSocket()
  readonly clock = new ManualClock()
  readonly messages: string[] = []
  readonly ends: string[] = []
  readonly stream: GrpcStream

  constructor({ isConnected = true, messageBytesMax = 1000 } = {}) {
    this.stream = new GrpcStream({
      address: { host: 'control', port: 15_010 },
      path: '/a.B/C',
      onMessage: (bytes) => {
        const text = Buffer.from(bytes).toString('latin1')
        this.messages.push(text)
        if (text === 'stop') this.stream.close()
      },
      onClosed: ({ code, message }) => this.ends.push(`${code} ${message}`),
      messageBytesMax,
      dial: () => this.socket.asSocket,
      clock: this.clock,
    })
    if (!isConnected) return
    this.socket.emit('connect')
    this.say('SETTINGS\nSETTINGS ACK')
  }

  say(frames: string): void {
    this.socket.deliver(readFrames(frames))
  }
}

const message = (text: string): string => `\\0\\0\\0\\0\\x${text.length.toString(16).padStart(2, '0')}${text}`

const endings: [string, string, string][] = [
  [
    'a status in trailers',
    'ANSWER 1\nHEADERS 1 END_STREAM END_HEADERS\n  grpc-status: 7\n  grpc-message: no%20entry',
    '7 no entry',
  ],
  ['a status in place of an answer', 'ANSWER 1 END_STREAM\n  grpc-status: 12\n  grpc-message: what?', '12 what?'],
  [
    'a status whose message has a broken escape',
    'ANSWER 1 END_STREAM\n  grpc-status: 3\n  grpc-message: 100%',
    '3 100%',
  ],
  ['a status that is no number', 'ANSWER 1 END_STREAM\n  grpc-status: seven', '2 grpc-status is "seven"'],
  [
    'trailers without a status',
    'ANSWER 1\nHEADERS 1 END_STREAM END_HEADERS\n  x: y',
    '2 the stream ended without a status',
  ],
  ['an end without trailers', 'ANSWER 1\nDATA 1 END_STREAM', '2 the stream ended without a status'],
  ['an answer of a proxy', 'HEADERS 1 END_HEADERS\n  :status: 503', '14 answered with HTTP status 503'],
  ['a reset', 'RST_STREAM 1 INTERNAL_ERROR', '14 the peer reset the stream (INTERNAL_ERROR)'],
  ['GOAWAY before the stream', 'GOAWAY 0 NO_ERROR', '14 the server ends the connection (NO_ERROR)'],
  ['GOAWAY behind the stream', 'ANSWER 1\nGOAWAY 1 NO_ERROR', '14 the control plane goes away'],
  [
    'a message that is too long',
    'ANSWER 1\nDATA 1 \\0\\0\\x10\\0\\0',
    '13 a message of 1048576 bytes, 1000 are allowed',
  ],
  ['a compressed message', 'ANSWER 1\nDATA 1 \\x01\\0\\0\\0\\x01a', '13 a compressed message'],
  ['a frame that is too long', 'RAW 00 40 01 00 00 00 00 00 01', '13 a frame of 16385 bytes'],
  ['what is no HTTP/2', 'RAW 48 54 54 50 2f 31 2e 31 20 34 30 30', '13 a frame of 4740180 bytes'],
  ['a header block that can not be read', 'FRAME 1 4 1 \\xff\\xff\\xff\\xff\\xff\\xff', '13 '],
  ['SETTINGS of frames that are too small', 'SETTINGS MAX_FRAME_SIZE=0', '13 '],
  ['a window that overflows', 'WINDOW_UPDATE 1 2147483647', '13 '],
  ['DATA on a stream that was never opened', 'DATA 3 hello', '13 '],
]

for (const [what, frames, end] of endings) {
  test(`${what} ends the stream once`, async () => {
    const steered = new SteeredStream()
    steered.say(frames)
    await new Promise(setImmediate)
    steered.socket.deliverEnd()
    assert.equal(steered.ends.length, 1, String(steered.ends))
    assert.ok(end.endsWith(' ') ? steered.ends[0]!.startsWith(end) : steered.ends[0] === end, String(steered.ends))
    assert.deepEqual(steered.messages, [])
  })
}

test('messages that came before the connection is lost are whole, the one that was cut is none', () => {
  const steered = new SteeredStream()
  steered.say(`ANSWER 1\nDATA 1 ${message('first')}${message('second').slice(0, -2)}`)
  steered.socket.deliverEnd()
  assert.deepEqual(steered.messages, ['first'])
  assert.deepEqual(steered.ends, ['14 the peer closed the connection'])
})

test('nothing is told behind the end that its owner chose, within a read as well', () => {
  const steered = new SteeredStream()
  steered.say(`ANSWER 1\nDATA 1 ${message('stop')}${message('late')}\nDATA 1 ${message('later')}`)
  steered.socket.fail('ECONNRESET')
  steered.stream.send(Buffer.from('too late'))
  assert.deepEqual(steered.messages, ['stop'])
  assert.deepEqual(steered.ends, ['1 cancelled'])
})

test('a control plane that can not be reached is given up in ten seconds', () => {
  const steered = new SteeredStream({ isConnected: false })
  steered.clock.advance(9999)
  assert.deepEqual(steered.ends, [])
  steered.clock.advance(1)
  assert.deepEqual(steered.ends, ['14 no connection in 10000 ms'])
  assert.equal(steered.socket.destroyed, true)
})

test('a control plane that is silent and answers no PING is given up', () => {
  const steered = new SteeredStream()
  steered.say('ANSWER 1')
  steered.clock.advance(45_000)
  assert.deepEqual(steered.ends, [])
  steered.clock.advance(45_000)
  assert.deepEqual(steered.ends, ['14 no answer to a PING in 30000 ms'])
})

test('a control plane that takes nothing of a message is given up', () => {
  const steered = new SteeredStream()
  steered.say('SETTINGS INITIAL_WINDOW_SIZE=0\nANSWER 1')
  steered.stream.send(Buffer.alloc(100))
  for (let i = 0; i < 10; i++) {
    steered.clock.advance(10_000)
    steered.say('PING 12345678')
  }
  assert.deepEqual(steered.ends, ['14 no byte in 60000 ms'])
})

async function startServer(t: TestContext, onStream: (stream: ServerHttp2Stream) => void): Promise<number> {
  const server: Http2Server = createServer({ settings: { initialWindowSize: 1000 } })
  server.on('stream', onStream)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

test('eight messages of 5 MB come whole, and one goes through small windows', async (t) => {
  const large = Buffer.alloc(5_000_000, 'weft')
  const port = await startServer(t, (stream) => {
    const requests = new MessageReader(10_000_000)
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' })
    stream.on('data', (chunk: Buffer) => {
      for (const request of requests.read(chunk)) {
        assert.ok(request.equals(large), 'the request has changed on its way')
        for (let i = 0; i < 8; i++) stream.write(frameMessage(large))
      }
    })
    stream.on('error', () => stream.destroy())
  })
  let count = 0
  const end = await new Promise<string>((resolve) => {
    const stream = new GrpcStream({
      address: { host: '127.0.0.1', port },
      path: '/a.B/C',
      onOpen: () => setImmediate(() => stream.send(large)),
      onMessage: (answer) => {
        assert.ok(large.equals(answer), 'the answer has changed on its way')
        if (++count === 8) stream.close()
      },
      onClosed: ({ code, message: text }) => resolve(`${code} ${text}`),
      dial: (address) => connect({ ...address, allowHalfOpen: true }),
    })
  })
  assert.deepEqual([count, end], [8, '1 cancelled'])
})

test('a control plane that dies in the middle of a message ends the stream as unavailable', async (t) => {
  const port = await startServer(t, (stream) => {
    stream.respond({ ':status': 200 })
    stream.write(frameMessage(Buffer.alloc(100_000)).subarray(0, 60_000), () => stream.session?.socket.destroy())
    stream.on('error', () => stream.destroy())
  })
  const messages: Uint8Array[] = []
  const code = await new Promise<number>((resolve) => {
    const onClosed = ({ code }: { code: number }): void => resolve(code)
    const onMessage = (one: Uint8Array): void => void messages.push(one)
    new GrpcStream({ address: { host: '127.0.0.1', port }, path: '/a.B/C', onMessage, onClosed })
  })
  assert.deepEqual([code, messages.length], [14, 0])
})
