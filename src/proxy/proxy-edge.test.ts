/** What happens at the edges: unknown hosts, loops, faults of ours, endpoints that vanish or do not answer. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { test } from 'node:test'
import type { HostPort } from '#/std/host-port.ts'
import { until } from './testing/engine.ts'
import { application, reviews, startOutbound } from './testing/outbound.ts'
import { call } from './testing/peer.ts'
import { assignment, edsCluster, endpoint, forwardTo, route, routeTable } from './testing/resources.ts'

/** Everything that comes back for those bytes, until `isDone` or the end. */
async function exchange(
  proxy: HostPort,
  bytes: string,
  isDone: (text: string) => boolean = () => false,
): Promise<string> {
  const socket = connect(proxy.port, proxy.host)
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => undefined)
  socket.write(bytes)
  await until(
    () => isDone(text) || socket.readableEnded || socket.destroyed,
    `the answer; so far ${JSON.stringify(text)}`,
  )
  socket.destroy()
  return text
}

test('with `any`, a host that the control plane does not know is looked up and called', async (t) => {
  const app = await application(t, 'outside')
  const { proxy, source, events } = await startOutbound(t, { ports: [], settings: { unknownDestinations: 'any' } })
  const host = `localhost:${app.port}`
  const reply = call(proxy, { host })
  await until(() => source.isAsked('listener', host), 'the question')
  source.remove('listener', host)
  assert.equal((await reply).body, 'outside ')
  assert.equal(events.last!.cluster?.name, 'passthrough-dynamic')
})

test('a call to an unknown host that is the proxy itself ends at once', async (t) => {
  const { proxy, source } = await startOutbound(t, { ports: [], settings: { unknownDestinations: 'any' } })
  const host = `localhost:${proxy.port}`
  const reply = call(proxy, { host })
  await until(() => source.isAsked('listener', host), 'the question')
  source.remove('listener', host)
  const { status, headers } = await reply
  assert.equal(status, 508)
  assert.match(String(headers['weft-detail']), /^loop_detected;/)
})

test('connections to unknown hosts are kept for a bounded number of hosts', async (t) => {
  const apps = await Promise.all(['a', 'b', 'c', 'd'].map((name) => application(t, name)))
  const settings = { unknownDestinations: 'any' as const, dynamicHostsMax: 2 }
  const { proxy, source, events } = await startOutbound(t, { ports: [], settings })
  for (const app of apps) {
    const host = `127.0.0.1:${app.port}`
    const reply = call(proxy, { host })
    await until(() => source.isAsked('listener', host), 'the question')
    source.remove('listener', host)
    assert.equal((await reply).status, 200)
  }
  await until(() => events.upstreamConnections <= 2, 'the oldest connections to go')
})

test('a configured header that would split the message fails its request alone', async (t) => {
  const app = await application(t, 'a')
  const evil = { set: [{ name: 'x-a', value: 'b\r\nx-evil: 1' }], add: [], remove: [] }
  const at = (value: string) => ({ match: { path: { type: 'exact' as const, value }, headers: [], query: [] } })
  const routes = [
    route(forwardTo(reviews), { ...at('/request'), requestHeaders: evil }),
    route(forwardTo(reviews), { ...at('/answer'), responseHeaders: evil }),
    route(forwardTo(reviews)),
  ]
  const { proxy, events } = await startOutbound(t, { ports: [app.port], routes })
  for (const path of ['/request', '/answer']) {
    const { status, headers } = await call(proxy, { path })
    assert.equal(status, 500, path)
    assert.match(String(headers['weft-detail']), /^extension_failed;/)
    assert.equal(headers['x-evil'], undefined)
  }
  assert.deepEqual(app.seen, ['GET /answer'])
  assert.equal((await call(proxy)).status, 200)
  assert.deepEqual(
    events.records.map(({ status }) => status),
    [500, 500, 200],
  )
})

test('an endpoint that does not accept in time is given up', async (t) => {
  // A stopped process with a full queue answers no SYN; its queue holds one connection more than the backlog.
  const script =
    "require('net').createServer().listen({port:0,host:'127.0.0.1',backlog:1},function(){console.log(this.address().port)})"
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.after(() => child.kill('SIGKILL'))
  const [line] = await once(child.stdout!, 'data')
  const port = Number(String(line))
  child.kill('SIGSTOP')
  const fillers = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => undefined))
  t.after(() => {
    for (const socket of fillers) socket.destroy()
  })
  await until(() => fillers.filter((socket) => !socket.connecting).length >= 2, 'the queue to fill')
  const { proxy, events } = await startOutbound(t, { ports: [port], settings: { connectTimeoutMs: 150 } })
  const { status, headers } = await call(proxy)
  assert.equal(status, 503)
  assert.match(String(headers['weft-detail']), /^upstream_connect_timeout; 127\.0\.0\.1:\d+: no connection in 150 ms/)
  assert.ok(events.last!.durationMs >= 150)
})

test('an unused connection to an endpoint is closed after the time of the setting', async (t) => {
  const app = await application(t, 'a')
  const { proxy, events } = await startOutbound(t, { ports: [app.port], settings: { poolIdleMs: 250 } })
  await call(proxy)
  assert.equal(events.upstreamConnections, 1)
  await until(() => events.upstreamConnections === 0, 'the connection to be closed')
})

test('a request under way on an endpoint that is taken away is finished', async (t) => {
  let finish: (() => void) | undefined
  const app = await application(t, 'old', (_request, response) => {
    finish = () => response.end('finished')
  })
  const next = await application(t, 'new')
  const { proxy, source, events } = await startOutbound(t, { ports: [app.port] })
  const slow = call(proxy)
  await until(() => finish !== undefined, 'the request')
  source.set('route', routeTable(reviews, route(forwardTo('other'))))
  source.set('cluster', edsCluster('other'))
  source.set('assignment', assignment('other', endpoint(next.port)))
  await until(() => !source.isAsked('cluster', reviews), 'the old cluster to be given up')
  assert.equal((await call(proxy)).body, 'new ')
  finish!()
  assert.equal((await slow).body, 'finished')
  await until(() => events.upstreamConnections === 1, 'the old connection to go')
})

test('an answer that breaks off is broken off for the client too, and counted', async (t) => {
  const app = await application(t, 'a', (request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('half')
    setImmediate(() => request.socket.destroy())
  })
  const { proxy, events } = await startOutbound(t, { ports: [app.port] })
  await assert.rejects(call(proxy))
  await until(() => events.records.length === 1, 'the record')
  const { status, code, flags } = events.last!
  assert.deepEqual([status, code, flags], [200, 'upstream_reset', 'UC'])
})

test('an answer that breaks the rules becomes 502 with the rule', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { proxy } = await startOutbound(t, { ports: [(server.address() as { port: number }).port] })
  const { status, headers } = await call(proxy)
  assert.equal(status, 502)
  assert.match(String(headers['weft-detail']), /^upstream_protocol_error; 127\.0\.0\.1:\d+: .*Content-Length/)
})

test('a client that waits for 100 gets it from the application, and once', async (t) => {
  const app = await application(t, 'a')
  const { proxy } = await startOutbound(t, { ports: [app.port] })
  const head =
    'PUT /big HTTP/1.1\r\nhost: reviews.shop\r\ncontent-length: 4\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n'
  const socket = connect(proxy.port, proxy.host)
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString()
  })
  socket.write(head)
  await until(() => text.endsWith('\r\n\r\n'), 'the 100')
  assert.match(text, /^HTTP\/1\.1 100 Continue/)
  socket.write('body')
  await until(() => socket.readableEnded, 'the answer')
  assert.equal(text.match(/100 Continue/g)!.length, 1)
  assert.match(text, /a body$/)
})

test('an old client is served, and its missing Host is no destination', async (t) => {
  const app = await application(t, 'a')
  const { proxy } = await startOutbound(t, { ports: [app.port] })
  assert.match(await exchange(proxy, 'GET / HTTP/1.0\r\nhost: reviews.shop\r\n\r\n'), /^HTTP\/1\.1 200 .*a $/s)
  assert.match(await exchange(proxy, 'GET / HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 404 .*names no host/s)
})

test('pipelined requests are answered in order', async (t) => {
  const app = await application(t, 'a', (request, response) => {
    setTimeout(() => response.end(`answer ${request.url};`), request.url === '/1' ? 30 : 0)
  })
  const { proxy } = await startOutbound(t, { ports: [app.port] })
  const request = (path: string) => `GET ${path} HTTP/1.1\r\nhost: reviews.shop\r\n\r\n`
  const text = await exchange(proxy, request('/1') + request('/2') + request('/3'), (seen) => seen.includes('/3;'))
  assert.deepEqual(text.match(/answer \/\d;/g), ['answer /1;', 'answer /2;', 'answer /3;'])
})

test('an offer to upgrade that the application declines leaves the connection in use', async (t) => {
  const app = await application(t, 'a', (request, response) => response.end(`${request.headers.upgrade ?? 'plain'};`))
  const { proxy } = await startOutbound(t, { ports: [app.port] })
  const offer = (protocol: string) =>
    `GET / HTTP/1.1\r\nhost: reviews.shop\r\nconnection: upgrade\r\nupgrade: ${protocol}\r\n\r\n`
  const text = await exchange(proxy, offer('h2c') + offer('h2c'), (seen) => (seen.match(/;/g)?.length ?? 0) === 2)
  assert.equal(text.match(/plain;/g)!.length, 2)
})

test('a GET that an endpoint cut before a byte of an answer goes to one other endpoint, and a POST does not', async (t) => {
  const dying = await application(t, 'dying', (request) => request.socket.destroy())
  const app = await application(t, 'a')
  const { proxy } = await startOutbound(t, { ports: [dying.port, app.port] })
  for (let i = 0; i < 4; i++) assert.equal((await call(proxy)).body, 'a ')
  assert.ok(dying.seen.length > 0)
  const posts = [await call(proxy, { method: 'POST', body: 'b' }), await call(proxy, { method: 'POST', body: 'b' })]
  assert.deepEqual(posts.map(({ status }) => status).sort(), [200, 502])
})

test('a GET whose sidecar lost its application goes to one other endpoint, and to no third', async (t) => {
  const answer: Parameters<typeof application>[2] = (_request, response) => {
    response.writeHead(502, { 'weft-detail': 'upstream_reset; 127.0.0.1:1: ECONNRESET' }).end('no')
  }
  const dying = await application(t, 'dying', answer)
  const app = await application(t, 'a')
  const { proxy } = await startOutbound(t, { ports: [dying.port, app.port], isMeshed: true })
  for (let i = 0; i < 4; i++) assert.equal((await call(proxy)).body, 'a ')
  assert.ok(dying.seen.length > 0)
  const others = await Promise.all([1, 2, 3].map(() => application(t, 'dying', answer)))
  const alone = await startOutbound(t, { ports: others.map(({ port }) => port), isMeshed: true })
  assert.equal((await call(alone.proxy)).status, 502)
  assert.equal(others.flatMap(({ seen }) => seen).length, 2)
})
