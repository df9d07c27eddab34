/** Our client against our server: what the seam promises, whichever version the proxy's other side speaks. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { UnwritableMessage } from '../http1/fault.ts'
import type { HeaderList } from '../message.ts'
import { getHeader, unknownLength } from '../message.ts'
import type { ServerStream } from '../stream.ts'
import { Inbox, requestHead, responseHead, startPair } from './testing/pair.ts'

const proofOf = (key: string): string =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')

/** A server that switches protocols with the headers given, and echoes. */
class Tunnel extends Inbox {
  readonly stream: ServerStream

  constructor(stream: ServerStream, headers: HeaderList) {
    super()
    this.stream = stream
    stream.writeHead(responseHead({ status: 101, headers, upgrade: stream.head.upgrade }), false)
  }

  override onData(chunk: Uint8Array): void {
    this.stream.writeData(chunk)
  }

  override onEnd(): void {
    this.stream.writeEnd()
  }
}

test('a WebSocket crosses with the key and the proof of clients and servers of HTTP/1.1', async (t) => {
  let server: Tunnel | undefined
  const onStream = (stream: ServerStream): Tunnel => {
    server = new Tunnel(stream, ['sec-websocket-accept', 'the-proof'])
    return server
  }
  const { client } = await startPair(t, { onStream })
  const inbox = new Inbox()
  const stream = client.request(
    requestHead({ upgrade: 'websocket', headers: ['sec-websocket-key', 'the-key'] }),
    inbox,
    true,
  )
  await inbox.until(() => inbox.head !== undefined)
  assert.equal(server!.stream.head.method, 'GET')
  assert.equal(getHeader(server!.stream.head.headers, 'sec-websocket-key'), 'the-key')
  assert.equal(inbox.head!.status, 101)
  assert.deepEqual(inbox.head!.headers, ['sec-websocket-accept', 'the-proof'])
  stream.writeData(Buffer.from('frame'))
  await inbox.until(() => inbox.text === 'frame')
  stream.writeEnd()
  await inbox.until(() => inbox.isEnded)
})

test('a client of HTTP/1.1 gets its proof from a server that knows RFC 8441 alone', async (t) => {
  const { client } = await startPair(t, { onStream: (stream) => new Tunnel(stream, []) })
  const inbox = new Inbox()
  client.request(requestHead({ upgrade: 'websocket', headers: ['sec-websocket-key', 'abc'] }), inbox, true)
  await inbox.until(() => inbox.head !== undefined)
  assert.deepEqual(inbox.head!.headers, ['sec-websocket-accept', proofOf('abc')])
})

test('a server of HTTP/1.1 gets a key for a client that knows RFC 8441 alone, which sees no proof', async (t) => {
  let key = ''
  const onStream = (stream: ServerStream): Tunnel => {
    key = getHeader(stream.head.headers, 'sec-websocket-key')!
    return new Tunnel(stream, ['sec-websocket-accept', proofOf(key), 'x-a', '1'])
  }
  const { client } = await startPair(t, { onStream })
  const inbox = new Inbox()
  client.request(requestHead({ upgrade: 'websocket' }), inbox, true)
  await inbox.until(() => inbox.head !== undefined)
  assert.equal(Buffer.from(key, 'base64').length, 16)
  assert.deepEqual(inbox.head!.headers, ['x-a', '1'])
})

/** Answers with the headers that came. */
function mirror(stream: ServerStream): Inbox {
  stream.writeHead(responseHead({ headers: stream.head.headers }), true)
  return new Inbox()
}

test('a head that can not be written leaves the tables of both sides alike', async (t) => {
  const { client, malformed } = await startPair(t, { onStream: mirror })
  const ask = async (headers: HeaderList): Promise<HeaderList> => {
    const inbox = new Inbox()
    client.request(requestHead({ headers }), inbox, true)
    await inbox.until(() => inbox.isEnded || inbox.reset !== undefined)
    return inbox.head!.headers
  }
  assert.deepEqual(await ask(['x-a', '1', 'x-b', '2']), ['x-a', '1', 'x-b', '2'])
  for (let i = 0; i < 5; i++) {
    const headers = ['x-c', `${i}`, 'x-d', `${i}`, 'x-bad', 'line\nbreak']
    assert.throws(() => client.request(requestHead({ headers }), new Inbox(), true), UnwritableMessage)
    const sent = ['x-d', `${i}`, 'x-a', '1', 'x-b', '2', 'x-c', `${i}`]
    assert.deepEqual(await ask(sent), sent)
    assert.deepEqual(await ask(sent), sent)
  }
  assert.deepEqual(malformed, [])
})

test('trailers that can not be written, behind bytes that wait, cost their stream alone', async (t) => {
  const sinks: Inbox[] = []
  const onStream = (stream: ServerStream): Inbox => {
    const inbox = new Inbox()
    sinks.push(inbox)
    stream.writeHead(responseHead({ bodyLength: unknownLength }), false)
    stream.writeData(Buffer.alloc(stream.head.path === '/large' ? 1_000_000 : 1))
    stream.writeEnd(stream.head.path === '/large' ? ['x-bad', 'line\nbreak'] : ['x-good', '1'])
    return inbox
  }
  const { client } = await startPair(t, { onStream })
  const large = new Inbox()
  client.request(requestHead({ path: '/large' }), large, true)
  await large.until(() => large.reset !== undefined)
  assert.deepEqual([large.reset, sinks[0]!.reset], ['connection-lost', 'protocol-error'])
  const small = new Inbox()
  client.request(requestHead({ path: '/small' }), small, true)
  await small.until(() => small.isEnded)
  assert.deepEqual(small.trailers, ['x-good', '1'])
})

test('an answer that has not left when the connection is lost is told as lost, once', async (t) => {
  const told: string[] = []
  class Teller extends Inbox {
    override onFinished(): void {
      told.push('finished')
    }
    override onReset(): void {
      told.push('reset')
    }
  }
  let stream: ServerStream | undefined
  const onStream = (given: ServerStream): Teller => {
    stream = given
    return new Teller()
  }
  const { client, server } = await startPair(t, { onStream })
  client.request(requestHead(), new Inbox(), true)
  while (stream === undefined) await new Promise(setImmediate)
  stream.writeHead(responseHead({ status: 204 }), true)
  server.destroy()
  await new Promise(setImmediate)
  await new Promise(setImmediate)
  assert.deepEqual(told, ['reset'])
})

test('several slow readers do not stop the others, and get all when they go on', async (t) => {
  const large = Buffer.alloc(2_000_000, 'x')
  const onStream = (stream: ServerStream): Inbox => {
    const body = stream.head.path === '/large' ? large : Buffer.from('small')
    stream.writeHead(responseHead({ bodyLength: body.length }), false)
    stream.writeData(body)
    stream.writeEnd()
    return new Inbox()
  }
  const { client } = await startPair(t, { onStream })
  const slow = Array.from({ length: 6 }, () => {
    const inbox = new Inbox()
    const stream = client.request(requestHead({ path: '/large' }), inbox, true)
    stream.pause()
    return { inbox, stream }
  })
  for (let i = 0; i < 100; i++) {
    const quick = new Inbox()
    client.request(requestHead(), quick, true)
    await quick.until(() => quick.isEnded)
    assert.equal(quick.text, 'small')
  }
  for (const { inbox, stream } of slow) {
    assert.equal(inbox.chunks.length, 0)
    stream.resume()
  }
  await Promise.all(slow.map(({ inbox }) => inbox.until(() => inbox.isEnded)))
  for (const { inbox } of slow) assert.equal(inbox.text.length, large.length)
})

test('a window grows to what a round trip brings, within its bound', async (t) => {
  const body = Buffer.alloc(8_000_000)
  const onStream = (stream: ServerStream): Inbox => {
    stream.writeHead(responseHead({ bodyLength: body.length }), false)
    stream.writeData(body)
    stream.writeEnd()
    return new Inbox()
  }
  const { client } = await startPair(t, {
    onStream,
    limits: { streamWindowBytes: 20_000, streamWindowBytesMax: 150_000 },
  })
  const inbox = new Inbox()
  client.request(requestHead(), inbox, true)
  await inbox.until(() => inbox.isEnded)
  assert.equal(inbox.text.length, body.length)
  const { streamBytes } = client.receiveWindow
  assert.ok(streamBytes > 20_000 && streamBytes <= 150_000, `${streamBytes} bytes`)
})
