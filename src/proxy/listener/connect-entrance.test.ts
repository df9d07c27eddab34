/** CONNECT in HTTP/1.1 and HTTP/2, on real sockets. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { until } from '#/proxy/testing/engine.ts'
import { application } from '#/proxy/testing/outbound.ts'
import { unusedPort } from '#/proxy/testing/peer.ts'
import { open, serve } from '#/proxy/testing/stream.ts'
import { askForTunnel, startTunnelProxy, tunnelVersions } from '#/proxy/testing/tunnel.ts'

const redis = 'redis.shop:6379'
const digest = (data: Buffer): string => createHash('sha256').update(data).digest('hex')

/** A request of HTTP/1.1 over a connection that stands. */
async function requestOver(stream: Duplex, path: string, method = 'GET'): Promise<http.IncomingMessage> {
  const request = http.request({
    createConnection: () => stream as Socket,
    method,
    path,
    headers: { host: 'reviews.shop' },
  })
  request.end()
  const [response] = (await once(request, method === 'CONNECT' ? 'connect' : 'response')) as [http.IncomingMessage]
  return response
}

async function echo(t: TestContext): Promise<number> {
  return serve(t, (socket) => socket.pipe(socket))
}

for (const version of tunnelVersions) {
  test(`${version}: a tunnel to a Service carries 3 MB both ways, unchanged, and ends whole`, async (t) => {
    const started = await startTunnelProxy(t, { [redis]: { port: await echo(t), protocol: 'tcp' } })
    const { status, stream } = await askForTunnel(t, { version, proxy: started.proxy, authority: redis })
    assert.equal(status, 200)
    const bytes = randomBytes(3_000_000)
    const came: Buffer[] = []
    stream.on('data', (chunk: Buffer) => came.push(chunk))
    stream.end(bytes)
    await once(stream, 'end')
    assert.equal(digest(Buffer.concat(came)), digest(bytes))
    await until(() => started.events.streams.length === 1, 'the record')
    const [record] = started.events.streams
    assert.deepEqual([record!.code, record!.receivedBytes, record!.sentBytes], ['', 3_000_000, 3_000_000])
  })

  test(`${version}: what is sent before the answer reaches the destination, once and first`, async (t) => {
    const started = await startTunnelProxy(t, { [redis]: { port: await echo(t), protocol: 'tcp' } })
    const options = { version, proxy: started.proxy, authority: redis, early: 'PING ' }
    const { stream, text } = await askForTunnel(t, options)
    stream.write('PONG')
    await until(() => text() === 'PING PONG', 'the echo')
  })

  test(`${version}: either side may end first, and the other goes on`, async (t) => {
    const port = await serve(t, (socket) => {
      socket.end('last words')
      let heard = ''
      socket.on('data', (chunk) => {
        heard += chunk
      })
      socket.on('end', () => said.push(heard))
    })
    const said: string[] = []
    const started = await startTunnelProxy(t, { [redis]: { port, protocol: 'tcp' } })
    const { stream, text } = await askForTunnel(t, { version, proxy: started.proxy, authority: redis })
    await until(() => text() === 'last words', 'the end of the server')
    stream.write('and ')
    stream.end('mine')
    await until(() => said.length === 1, 'the end of the client')
    assert.deepEqual(said, ['and mine'])
    await until(() => started.events.streams.length === 1, 'the record')
    assert.equal(started.events.streams[0]!.code, '')
  })

  test(`${version}: requests in a tunnel to a Service that speaks HTTP are routed as requests`, async (t) => {
    const reviews = await application(t, 'reviews')
    const started = await startTunnelProxy(t, { 'reviews.shop:80': { port: reviews.port, protocol: 'http' } })
    const options = { version, proxy: started.proxy, authority: 'Reviews.Shop.:80' }
    const { status, stream } = await askForTunnel(t, options)
    assert.equal(status, 200)
    const answer = await requestOver(stream, '/inside')
    assert.equal(answer.statusCode, 200)
    assert.deepEqual(reviews.seen, ['GET /inside'])
    assert.equal(started.events.last?.path, '/inside')
  })

  test(`${version}: a CONNECT within a tunnel is refused by 501`, async (t) => {
    const reviews = await application(t, 'reviews')
    const started = await startTunnelProxy(t, { 'reviews.shop:80': { port: reviews.port, protocol: 'http' } })
    const options = { version, proxy: started.proxy, authority: 'reviews.shop:80' }
    const { stream } = await askForTunnel(t, options)
    assert.equal((await requestOver(stream, 'reviews.shop:80', 'CONNECT')).statusCode, 501)
    assert.deepEqual(started.events.malformed, ['unsupported_method'])
  })

  test(`${version}: a host that is no Service gets 404 with the reason, and the proxy counts it`, async (t) => {
    const started = await startTunnelProxy(t, {})
    const name = 'nobody.shop:80'
    const asking = askForTunnel(t, { version, proxy: started.proxy, authority: name })
    await until(() => started.source.isAsked('listener', name), 'the question')
    started.source.remove('listener', name)
    const { status, detail, text } = await asking
    assert.equal(status, 404)
    assert.equal(detail, 'host_not_found; nobody.shop:80 is no Service of the mesh')
    await until(() => text().includes('nobody.shop:80'), 'the text')
    assert.deepEqual(started.events.malformed, ['host_not_found'])
  })

  test(`${version}: a destination that can't be reached gets 503 with the reason, not a tunnel that breaks`, async (t) => {
    const started = await startTunnelProxy(t, { [redis]: { port: await unusedPort(), protocol: 'tcp' } })
    const { status, detail } = await askForTunnel(t, { version, proxy: started.proxy, authority: redis })
    assert.equal(status, 503)
    assert.match(detail, /^upstream_connect_failed; 127\.0\.0\.1:/)
  })

  test(`${version}: a server that breaks off breaks the tunnel off; it does not end it`, async (t) => {
    const port = await serve(t, (socket) => socket.once('data', () => socket.resetAndDestroy()))
    const started = await startTunnelProxy(t, { [redis]: { port, protocol: 'tcp' } })
    const { stream } = await askForTunnel(t, { version, proxy: started.proxy, authority: redis })
    let hasEnded = false
    stream.on('end', () => {
      hasEnded = true
    })
    stream.write('x')
    const [error] = (await once(stream, 'error')) as [NodeJS.ErrnoException]
    assert.match(`${error.code} ${error.message}`, version === 'HTTP/2' ? /NGHTTP2_CONNECT_ERROR/ : /ECONNRESET/)
    assert.equal(hasEnded, false)
    await until(() => started.events.streams.length === 1, 'the record')
    assert.equal(started.events.streams[0]!.code, 'upstream_reset')
  })
}

test('HTTP/2: two tunnels and a request share one connection, and a tunnel that is lost costs the others nothing', async (t) => {
  const reviews = await application(t, 'reviews')
  const started = await startTunnelProxy(t, {
    [redis]: { port: await echo(t), protocol: 'tcp' },
    'reviews.shop:80': { port: reviews.port, protocol: 'http' },
  })
  const { session, stream, text } = await askForTunnel(t, { version: 'HTTP/2', proxy: started.proxy, authority: redis })
  const lost = session!.request({ ':method': 'CONNECT', ':authority': redis }, { endStream: false })
  lost.on('error', () => undefined)
  await once(lost, 'response')
  lost.destroy()
  const plain = session!.request({ ':path': '/', ':authority': 'reviews.shop' })
  const [head] = await once(plain, 'response')
  assert.equal(head[':status'], 200)
  stream.write('still here')
  await until(() => text() === 'still here', 'the echo')
  await until(() => started.events.streams.length === 1, 'the record of the lost one')
  assert.equal(started.events.streams[0]!.code, 'client_gone')
})

const refusals: [string, string, RegExp][] = [
  ['without a port', 'CONNECT redis.shop HTTP/1.1\r\nhost: redis.shop\r\n\r\n', /^HTTP\/1\.1 400 /],
  ['with a path', 'CONNECT http://redis.shop:6379/ HTTP/1.1\r\nhost: a\r\n\r\n', /^HTTP\/1\.1 400 /],
  ['with a body', 'CONNECT redis.shop:6379 HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nx', /^HTTP\/1\.1 400 /],
  ['without Host', 'CONNECT redis.shop:6379 HTTP/1.1\r\n\r\n', /^HTTP\/1\.1 400 /],
  ['with too many bytes', `CONNECT redis.shop:6379 HTTP/1.1\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
]
for (const [name, bytes, expected] of refusals) {
  test(`HTTP/1.1: CONNECT ${name} is refused, whole and byte by byte at its start, and nothing is dialled`, async (t) => {
    let dialled = 0
    const port = await serve(t, () => dialled++)
    const started = await startTunnelProxy(t, { [redis]: { port, protocol: 'tcp' } })
    for (const first of [0, 1, 7, 8, 20]) {
      const { socket, text } = await open(t, started.proxy)
      if (first > 0) socket.write(bytes.slice(0, first))
      await new Promise((resolve) => setImmediate(resolve))
      socket.write(bytes.slice(first))
      await until(() => expected.test(text()), `the refusal of ${name}, cut at ${first}`)
    }
    assert.equal(dialled, 0)
    assert.equal(started.events.malformed.length, 5)
  })
}

test('HTTP/1.1: a head of CONNECT that never ends gets 408', async (t) => {
  const started = await startTunnelProxy(t, {}, { requestHeaderTimeoutMs: 50 })
  const { socket, text } = await open(t, started.proxy)
  socket.write('CONNECT redis.shop:6379 HTTP/1.1\r\n')
  await until(() => text().startsWith('HTTP/1.1 408 '), 'the refusal')
  assert.deepEqual(started.events.malformed, ['request_header_timeout'])
})
