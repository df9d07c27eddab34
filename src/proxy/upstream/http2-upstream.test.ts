import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { connect, type OutgoingHttpHeaders } from 'node:http2'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { testAuthority } from '#/proxy/testing/certificate.ts'
import { until } from '#/proxy/testing/engine.ts'
import { startHttp2Application } from '#/proxy/testing/http2-peer.ts'
import { application, startOutbound } from '#/proxy/testing/outbound.ts'
import { call } from '#/proxy/testing/peer.ts'
import type { HostPort } from '#/std/host-port.ts'

const http2 = { protocol: 'http2' } as const
const authority = testAuthority()
const trustedCa = { type: 'inline', pem: authority.pem } as const

test('a request of HTTP/1.1 becomes one of HTTP/2, and its answer comes back', async (t) => {
  const application = await startHttp2Application(t)
  const { proxy, events } = await startOutbound(t, { ports: [application.port], cluster: http2 })
  const reply = await call(proxy, {
    method: 'POST',
    path: '/a?b=1',
    body: 'hello',
    headers: { 'x-a': '1', te: 'gzip' },
  })
  assert.deepEqual([reply.status, reply.body, reply.headers['x-path']], [200, 'hello', '/a?b=1'])
  const [headers] = application.headers
  assert.equal(headers![':authority'], 'reviews.shop')
  assert.equal(headers!['x-a'], '1')
  assert.equal(headers!.te, undefined)
  assert.equal(headers!.connection, undefined)
  assert.equal(events.last!.status, 200)
})

test('trailers cross in both directions', async (t) => {
  const application = await startHttp2Application(t, {
    answer: (stream) => {
      stream.respond({ ':status': 200 }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '4' }))
      stream.end('body')
    },
  })
  const { proxy } = await startOutbound(t, { ports: [application.port], cluster: http2 })
  const trailers = await new Promise<NodeJS.Dict<string>>((resolve, reject) => {
    const request = http.request(
      { ...proxy, method: 'POST', agent: false, headers: { host: 'reviews.shop', trailer: 'x-check', te: 'trailers' } },
      (response) => response.resume().on('end', () => resolve(response.trailers)),
    )
    request.on('error', reject)
    request.write('some')
    request.addTrailers({ 'x-check': 'ok' })
    request.end()
  })
  assert.deepEqual({ ...trailers }, { 'x-sum': '4' })
  assert.equal(application.trailers[0]!['x-check'], 'ok')
})

test('requests at one time share a connection', async (t) => {
  const application = await startHttp2Application(t)
  const { proxy, events } = await startOutbound(t, { ports: [application.port], cluster: http2 })
  const replies = await Promise.all(Array.from({ length: 40 }, (_, i) => call(proxy, { path: `/${i}` })))
  assert.ok(replies.every(({ status }) => status === 200))
  assert.equal(application.sessionCount, 1)
  assert.equal(events.upstreamConnectionsEver, 1)
})

test('an endpoint that allows few streams gets more connections, and no stream is lost', async (t) => {
  const application = await startHttp2Application(t, { settings: { maxConcurrentStreams: 4 } })
  const { proxy } = await startOutbound(t, { ports: [application.port], cluster: http2 })
  for (let round = 0; round < 3; round++) {
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, i) => call(proxy, { method: 'POST', path: `/${i}`, body: `${i}` })),
    )
    assert.deepEqual(
      replies.map(({ status, body }) => `${status} ${body}`),
      replies.map((_, i) => `200 ${i}`),
    )
  }
})

const upgrade = { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' }

test('the first request of a connection may be one to upgrade: it waits for the settings', async (t) => {
  const application = await startHttp2Application(t, {
    onHead: (stream) => {
      stream.respond({ ':status': 200 })
      stream.pipe(stream)
      return true
    },
  })
  const { proxy } = await startOutbound(t, { ports: [application.port], cluster: http2 })
  const request = http.request({ ...proxy, agent: false, headers: { host: 'reviews.shop', ...upgrade } })
  request.end()
  const [, socket] = (await once(request, 'upgrade')) as [unknown, Socket]
  socket.write('ping')
  const [echo] = (await once(socket, 'data')) as [Buffer]
  assert.equal(echo.toString(), 'ping')
  assert.equal(application.headers[0]![':protocol'], 'websocket')
  socket.destroy()
})

test('an endpoint that takes no upgrade over HTTP/2 is told from one that fails', async (t) => {
  const application = await startHttp2Application(t, { settings: {} })
  const { proxy, events } = await startOutbound(t, { ports: [application.port], cluster: http2 })
  assert.equal((await call(proxy, { headers: upgrade })).status, 501)
  assert.equal(events.last!.code, 'upstream_takes_no_upgrade')
  assert.equal((await call(proxy, {})).status, 200)
  assert.equal(application.sessionCount, 1)
})

test('an endpoint that goes away by GOAWAY costs no request', async (t) => {
  const application = await startHttp2Application(t)
  const { proxy } = await startOutbound(t, { ports: [application.port], cluster: http2 })
  const statuses: number[] = []
  const client = async (name: number): Promise<void> => {
    for (let i = 0; i < 50; i++) {
      const reply = await call(proxy, { method: 'POST', path: `/${name}/${i}`, body: 'x' })
      statuses.push(reply.status)
      if (name === 0 && i % 10 === 5) for (const session of application.sessions) session.close()
    }
  }
  await Promise.all([0, 1, 2, 3].map(client))
  assert.equal(statuses.filter((status) => status === 200).length, 200)
  assert.ok(application.sessionCount > 3, `${application.sessionCount} sessions`)
})

test('a stream that was refused is sent again, whatever its method', async (t) => {
  let refusals = 0
  const application = await startHttp2Application(t, {
    onHead: (stream) => {
      if (refusals >= 2) return false
      refusals++
      stream.close(7)
      return true
    },
  })
  const { proxy, events } = await startOutbound(t, { ports: [application.port], cluster: http2 })
  const reply = await call(proxy, { method: 'POST', body: 'once' })
  assert.deepEqual([reply.status, reply.body], [200, 'once'])
  assert.equal(events.last!.attempts, 3)
  assert.deepEqual(application.bodies, ['once'])
})

test('a stream that is always refused fails with that reason', async (t) => {
  const application = await startHttp2Application(t, {
    onHead: (stream) => {
      stream.close(7)
      return true
    },
  })
  const { proxy, events } = await startOutbound(t, { ports: [application.port], cluster: http2 })
  assert.equal((await call(proxy, { method: 'POST', body: 'x' })).status, 503)
  assert.equal(events.last!.code, 'upstream_refused')
  assert.equal(application.seen.length, 3)
})

test('over TLS the version is what ALPN agrees on', async (t) => {
  const certificate = authority.issue(['reviews.shop'])
  const application = await startHttp2Application(t, { certificate })
  const tls = { serverName: 'reviews.shop', alpn: ['h2', 'http/1.1'], trustedCa, subjectNames: ['reviews.shop'] }
  const { proxy } = await startOutbound(t, { ports: [application.port], cluster: { protocol: 'http1', tls } })
  const reply = await call(proxy, { method: 'POST', body: 'secret' })
  assert.deepEqual([reply.status, reply.body], [200, 'secret'])
  assert.equal(application.sessionCount, 1)
})

test('an endpoint with a certificate of a stranger gets nothing', async (t) => {
  const certificate = testAuthority('stranger').issue(['reviews.shop'])
  const application = await startHttp2Application(t, { certificate })
  const tls = { serverName: 'reviews.shop', alpn: ['h2'], trustedCa }
  const { proxy, events } = await startOutbound(t, { ports: [application.port], cluster: { ...http2, tls } })
  assert.equal((await call(proxy, {})).status, 503)
  assert.equal(events.last!.code, 'upstream_tls_untrusted')
  assert.deepEqual(application.seen, [])
})

test('a client that leaves resets its stream and no other', async (t) => {
  const reset: string[] = []
  const application = await startHttp2Application(t, {
    onHead: (stream, headers) => {
      if (headers[':path'] !== '/slow') return false
      stream.on('close', () => reset.push(`${stream.rstCode}`))
      return true
    },
  })
  const { proxy } = await startOutbound(t, { ports: [application.port], cluster: http2 })
  const request = http.request({ ...proxy, path: '/slow', agent: false, headers: { host: 'reviews.shop' } })
  request.on('error', () => undefined)
  request.end()
  await until(() => application.seen.length === 1, 'the request')
  request.destroy()
  await until(() => reset.length === 1, 'the reset')
  assert.deepEqual(reset, ['8'])
  assert.equal((await call(proxy, {})).status, 200)
  assert.equal(application.sessionCount, 1)
})

/** The status of a request over HTTP/2 with prior knowledge. */
async function askByHttp2(t: TestContext, proxy: HostPort, head: OutgoingHttpHeaders): Promise<number> {
  const session = connect(`http://${proxy.host}:${proxy.port}`)
  t.after(() => session.destroy())
  const [headers] = await once(session.request({ ':path': '/', ...head }).resume(), 'response')
  return headers[':status']
}

test('where nobody has told what a port speaks, a request goes on in the version in which it came', async (t) => {
  const newer = await startHttp2Application(t)
  const older = await application(t, 'older')
  const downstream = { protocol: 'downstream' } as const
  const toNewer = await startOutbound(t, { ports: [newer.port], cluster: downstream })
  assert.equal(await askByHttp2(t, toNewer.proxy, { ':authority': 'reviews.shop' }), 200)
  const toOlder = await startOutbound(t, { ports: [older.port], cluster: downstream })
  assert.equal((await call(toOlder.proxy, {})).status, 200)
  // What is wrong with the one is right with the other.
  assert.equal(await askByHttp2(t, toOlder.proxy, { ':authority': 'reviews.shop' }), 502)
})

test('a host that the mesh does not know is called in the version in which the request came', async (t) => {
  const newer = await startHttp2Application(t)
  const older = await application(t, 'older')
  const { proxy, source } = await startOutbound(t, { ports: [], settings: { unknownDestinations: 'any' } })
  const unknown = async (host: string): Promise<void> => {
    await until(() => source.isAsked('listener', host), 'the question')
    source.remove('listener', host)
  }
  const toNewer = `127.0.0.1:${newer.port}`
  const answered = askByHttp2(t, proxy, { ':authority': toNewer })
  await unknown(toNewer)
  assert.equal(await answered, 200)
  const toOlder = `127.0.0.1:${older.port}`
  const reply = call(proxy, { host: toOlder })
  await unknown(toOlder)
  assert.equal((await reply).status, 200)
})
