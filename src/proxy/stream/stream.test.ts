/** Streams of opaque bytes through the proxy, on real sockets. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { test } from 'node:test'
import { until } from '#/proxy/testing/engine.ts'
import { closed, open, serve, startStreams } from '#/proxy/testing/stream.ts'

test('a server that speaks first is heard by a silent client, and its dialogue goes on', async (t) => {
  const port = await serve(t, (socket) => {
    socket.write('220 mail.example\r\n')
    socket.on('data', (chunk) => socket.write(`250 ${chunk}`))
  })
  const { proxy, events } = await startStreams(t, { ports: [port] })
  const { socket, text } = await open(t, proxy)
  await until(() => text() === '220 mail.example\r\n', 'the greeting')
  socket.write('EHLO me\r\n')
  await until(() => text().endsWith('250 EHLO me\r\n'), 'the answer')
  assert.deepEqual(events.detections, ['server-first'])
})

test('a client that speaks first is understood, at whatever cut', async (t) => {
  const port = await serve(t, (socket) => socket.on('data', (chunk) => socket.write(chunk)))
  const { proxy, events } = await startStreams(t, { ports: [port] })
  const { socket, text } = await open(t, proxy)
  for (const byte of '*1\r\n$4\r\nPING\r\n') socket.write(byte)
  await until(() => text() === '*1\r\n$4\r\nPING\r\n', 'the echo')
  assert.deepEqual(events.detections, ['opaque'])
})

test('HTTP on the same port is routed as HTTP, and dials the endpoint but once', async (t) => {
  let connections = 0
  const port = await serve(t, (socket) => {
    connections++
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi'))
  })
  const { proxy, events } = await startStreams(t, { ports: [port] })
  const { socket, text } = await open(t, proxy)
  socket.write('GET /a HTTP/1.1\r\nhost: a\r\n\r\n')
  await until(() => text().endsWith('hi'), 'the answer')
  assert.match(text(), /^HTTP\/1.1 200/)
  assert.equal(events.records.length, 1)
  assert.deepEqual(events.detections, ['http'])
  assert.equal(connections, 1)
})

test('nobody speaks: after the time for detection the connection is opaque, and still works', async (t) => {
  const port = await serve(t, (socket) => socket.on('data', (chunk) => socket.write(`got ${chunk}`)))
  const { proxy, events } = await startStreams(t, { ports: [port], settings: { detectTimeoutMs: 40 } })
  const { socket, text } = await open(t, proxy)
  await until(() => events.detections.length > 0, 'the decision')
  assert.deepEqual(events.detections, ['timeout'])
  socket.write('GET / HTTP/1.1\r\n\r\n')
  await until(() => text() === 'got GET / HTTP/1.1\r\n\r\n', 'the bytes')
})

test('each direction ends on its own: an answer may follow the end of the question', async (t) => {
  const port = await serve(t, (socket) => {
    let question = ''
    socket.on('data', (chunk) => {
      question += chunk
    })
    socket.on('end', () => socket.end(`${question.length} bytes`))
  })
  const { proxy, events } = await startStreams(t, {
    ports: [port],
    listener: { protocol: 'tcp', target: { type: 'streams' } },
  })
  const { socket, text } = await open(t, proxy)
  socket.end('x'.repeat(1000))
  await once(socket, 'end')
  assert.equal(text(), '1000 bytes')
  await until(() => events.streams.length === 1, 'the record')
  const record = events.streams[0]!
  assert.equal(record.flags, '-')
  assert.equal(record.receivedBytes, 1000)
  assert.equal(record.sentBytes, 10)
  assert.equal(record.endpoint?.port, port)
})

test('50 MB come through byte for byte, both ways, past a slow reader', async (t) => {
  const port = await serve(t, (socket) => socket.pipe(socket))
  const { proxy } = await startStreams(t, { ports: [port], listener: { protocol: 'tcp', target: { type: 'streams' } } })
  const socket = connect({ ...proxy, allowHalfOpen: true })
  t.after(() => socket.destroy())
  const piece = randomBytes(1_000_000)
  const sent = createHash('sha256')
  const came = createHash('sha256')
  let bytes = 0
  socket.on('data', (chunk) => {
    came.update(chunk)
    bytes += chunk.length
    // Now and then the reader takes a rest.
    if (bytes % 7 === 0) {
      socket.pause()
      setTimeout(() => socket.resume(), 1)
    }
  })
  for (let i = 0; i < 50; i++) {
    sent.update(piece)
    if (!socket.write(piece)) await once(socket, 'drain')
  }
  socket.end()
  await once(socket, 'end')
  assert.equal(came.digest('hex'), sent.digest('hex'))
})

test('an endpoint that refuses costs nothing: another one is dialled', async (t) => {
  const gone = await serve(t, () => undefined)
  const port = await serve(t, (socket) => socket.end('here'))
  const closed = createServer()
  closed.listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const refusing = (closed.address() as AddressInfo).port
  closed.close()
  await once(closed, 'close')
  assert.ok(gone !== refusing)
  const { proxy, events } = await startStreams(t, {
    ports: [refusing, port],
    listener: { protocol: 'tcp', target: { type: 'streams' } },
  })
  for (let i = 0; i < 4; i++) {
    const { socket, text } = await open(t, proxy)
    await once(socket, 'end')
    assert.equal(text(), 'here')
    socket.end()
  }
  await until(() => events.streams.length === 4, 'the records')
  assert.ok(events.streams.some(({ attempts }) => attempts === 2))
})

test('no endpoint at all: the connection is reset, and the record says why', async (t) => {
  const { proxy, events } = await startStreams(t, {
    ports: [],
    listener: { protocol: 'tcp', target: { type: 'streams' } },
  })
  const socket = connect(proxy)
  socket.on('error', () => undefined)
  await closed(socket)
  await until(() => events.streams.length === 1, 'the record')
  assert.equal(events.streams[0]!.code, 'no_healthy_upstream')
  assert.equal(events.streams[0]!.flags, 'UH')
})

test('an endpoint that breaks off breaks the client off, and the record has the flag', async (t) => {
  const port = await serve(t, (socket) => {
    socket.write('half')
    socket.once('data', () => socket.resetAndDestroy())
  })
  const { proxy, events } = await startStreams(t, {
    ports: [port],
    listener: { protocol: 'tcp', target: { type: 'streams' } },
  })
  const { socket, text } = await open(t, proxy)
  await until(() => text() === 'half', 'the first bytes')
  socket.write('more')
  await closed(socket)
  await until(() => events.streams.length === 1, 'the record')
  assert.equal(events.streams[0]!.flags, 'UC')
})

test('a stream on which nothing moves is closed', async (t) => {
  const port = await serve(t, () => undefined)
  const { proxy, events } = await startStreams(t, {
    ports: [port],
    listener: { protocol: 'tcp', target: { type: 'streams' } },
    settings: { streamIdleMs: 100 },
  })
  const { socket } = await open(t, proxy)
  await closed(socket)
  await until(() => events.streams.length === 1, 'the record')
  assert.equal(events.streams[0]!.flags, 'SI')
})

test('connections and sockets are all gone when the streams are over', async (t) => {
  const port = await serve(t, (socket) => socket.pipe(socket))
  const { proxy, events, engine } = await startStreams(t, { ports: [port] })
  for (let i = 0; i < 20; i++) {
    const { socket } = await open(t, proxy)
    socket.end(`\0${i}`)
    await once(socket, 'end')
  }
  await until(() => events.connections === 0 && events.upstreamConnections === 0, 'the end of all')
  assert.equal(engine.engine.listeners.active, 0)
  assert.equal(events.streams.length, 20)
})
