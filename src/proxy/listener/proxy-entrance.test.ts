/** PROXY headers in and out, on real sockets. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { formatProxyHeader, readProxyHeader } from '#/proxy/stream/proxy-header.ts'
import { testAuthority } from '#/proxy/testing/certificate.ts'
import { until } from '#/proxy/testing/engine.ts'
import { startApplication } from '#/proxy/testing/peer.ts'
import { open, serve, startStreams } from '#/proxy/testing/stream.ts'

const client = {
  source: { host: '192.0.2.7', port: 1234 },
  destination: { host: '198.51.100.2', port: 443 },
}
const opaque = { protocol: 'tcp', target: { type: 'streams' }, acceptsProxyProtocol: true } as const
const request = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

async function application(t: TestContext): Promise<{ port: number; headers: Record<string, unknown>[] }> {
  const started = await startApplication('app')
  t.after(() => started.close())
  return started
}

for (const version of ['v1', 'v2'] as const) {
  const header = formatProxyHeader(version, client)

  test(`a ${version} header in one piece with a request names the client to logs and to the application`, async (t) => {
    const { port, headers } = await application(t)
    const { proxy, events } = await startStreams(t, {
      ports: [port],
      listener: { protocol: 'http', acceptsProxyProtocol: true, direction: 'outbound' },
    })
    const { socket, text } = await open(t, proxy)
    socket.write(Buffer.concat([header, Buffer.from(request)]))
    await until(() => text().includes('200 OK'), 'the answer')
    assert.equal(events.last?.remoteAddress, '192.0.2.7')
    assert.equal(headers[0]!['x-forwarded-for'], '192.0.2.7')
  })

  test(`a ${version} header byte by byte, and what follows, are read`, async (t) => {
    const port = await serve(t, (socket) => socket.pipe(socket))
    const { proxy, events } = await startStreams(t, { ports: [port], listener: opaque })
    const { socket, text } = await open(t, proxy)
    for (const byte of header) {
      socket.write(Buffer.from([byte]))
      await new Promise((resolve) => setImmediate(resolve))
    }
    socket.end('ping')
    await once(socket, 'end')
    assert.equal(text(), 'ping')
    await until(() => events.streams.length === 1, 'the record')
    assert.equal(events.streams[0]!.remoteAddress, '192.0.2.7')
    assert.equal(events.streams[0]!.receivedBytes, 4)
  })

  test(`an endpoint that asks for ${version} is told who the client is, before its first byte`, async (t) => {
    let got = Buffer.alloc(0)
    const port = await serve(t, (socket) => {
      socket.on('data', (chunk) => {
        got = Buffer.concat([got, Buffer.from(chunk)])
      })
    })
    const { proxy } = await startStreams(t, {
      ports: [port],
      listener: opaque,
      cluster: { proxyProtocol: version },
    })
    const { socket } = await open(t, proxy)
    socket.write(Buffer.concat([formatProxyHeader('v2', client), Buffer.from('ping')]))
    await until(() => got.includes('ping'), 'the bytes')
    assert.deepEqual(readProxyHeader(got), { type: 'header', length: got.length - 4, addresses: client })
  })
}

test('connections for requests of many clients tell none of them', async (t) => {
  let got = Buffer.alloc(0)
  const port = await serve(t, (socket) => {
    socket.on('data', (chunk) => {
      got = Buffer.concat([got, Buffer.from(chunk)])
      if (got.includes('\r\n\r\n')) socket.write('HTTP/1.1 204 No Content\r\n\r\n')
    })
  })
  const { proxy } = await startStreams(t, { ports: [port], cluster: { proxyProtocol: 'v1' } })
  const { socket, text } = await open(t, proxy)
  socket.write(request)
  await until(() => text().includes('204'), 'the answer')
  assert.match(got.toString(), /^PROXY UNKNOWN\r\nGET \//)
})

test('below TLS the header comes first, with the first bytes of the handshake behind it', async (t) => {
  const { port } = await application(t)
  const authority = testAuthority()
  const { model } = authority.issue(['a.example'])
  const { proxy, events } = await startStreams(t, {
    ports: [port],
    listener: {
      protocol: 'http',
      acceptsProxyProtocol: true,
      tls: { certificates: [model], clientCertificate: 'none', alpn: ['http/1.1'] },
    },
  })
  const plain = connect(proxy)
  t.after(() => plain.destroy())
  await once(plain, 'connect')
  plain.cork()
  plain.write(formatProxyHeader('v2', client))
  const secure = connectTls({ socket: plain, ca: authority.pem, servername: 'a.example', ALPNProtocols: ['http/1.1'] })
  plain.uncork()
  let text = ''
  secure.on('data', (chunk) => {
    text += chunk
  })
  secure.write(request.replace('host: a\r\n', 'host: a.example\r\n'))
  await until(() => text.includes('200 OK'), 'the answer')
  assert.equal(events.last?.remoteAddress, '192.0.2.7')
})

async function refused(t: TestContext, say: (socket: Socket) => void): Promise<string[]> {
  const { port } = await application(t)
  const { proxy, events } = await startStreams(t, {
    ports: [port],
    listener: { protocol: 'http', acceptsProxyProtocol: true },
    settings: { requestHeaderTimeoutMs: 60 },
  })
  const { socket, text } = await open(t, proxy)
  say(socket)
  await until(() => socket.readableEnded || socket.closed, 'the end of the connection')
  assert.equal(text(), '')
  await until(() => events.malformed.length === 1 && events.connections === 0, 'the refusal')
  return events.malformed
}

test('a connection without the header is closed, whatever it says', async (t) => {
  assert.deepEqual(await refused(t, (socket) => socket.write(request)), ['bad_proxy_header'])
})

test('a connection that does not finish its header in time is closed', async (t) => {
  assert.deepEqual(await refused(t, (socket) => socket.write('PROXY TCP4 ')), ['bad_proxy_header'])
})

test('a connection that ends within its header is closed', async (t) => {
  assert.deepEqual(await refused(t, (socket) => socket.end('PROXY TCP4 ')), ['bad_proxy_header'])
})
