import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { RetryPolicy } from '#/model/route.ts'
import { startEngine, until } from './testing/engine.ts'
import { application, reviews, startOutbound } from './testing/outbound.ts'
import { call, unusedPort } from './testing/peer.ts'
import {
  applicationCluster,
  assignment,
  edsCluster,
  endpoint,
  forwardTo,
  inboundListener,
  outboundListener,
  route,
  routeTable,
  to,
} from './testing/resources.ts'

const retryAll: RetryPolicy = {
  attempts: 2,
  statuses: [503],
  onConnectFailure: true,
  onReset: true,
  attemptTimeoutMs: 0,
  backoffMs: 1,
}

test('a call by Host reaches the endpoint and its answer comes back', async (t) => {
  const app = await application(t, 'a')
  const { proxy, events } = await startOutbound(t, { ports: [app.port] })
  const reply = await call(proxy, { method: 'POST', path: '/x?y=1', body: 'hello' })
  assert.equal(reply.status, 200)
  assert.equal(reply.body, 'a hello')
  assert.deepEqual(app.seen, ['POST /x?y=1'])
  assert.equal(app.headers[0]!.host, 'reviews.shop')
  assert.equal(app.headers[0]!['x-forwarded-for'], '127.0.0.1')
  assert.match(String(app.headers[0]!['x-request-id']), /^[0-9a-f-]{36}$/)
  const record = events.last!
  assert.equal(record.status, 200)
  assert.equal(record.requestBytes, 5)
  assert.equal(record.responseBytes, 7)
  assert.equal(record.attempts, 1)
  assert.equal(record.cluster?.name, reviews)
})

test('many askers of a new destination share one subscription', async (t) => {
  const app = await application(t, 'a')
  const { proxy, source } = await startOutbound(t, { ports: [app.port] })
  const replies = await Promise.all(Array.from({ length: 20 }, () => call(proxy)))
  assert.ok(replies.every(({ status }) => status === 200))
  assert.equal(source.asked.get('listener reviews.shop:80'), 1)
  assert.equal(source.asked.get(`route ${reviews}`), 1)
  assert.equal(source.asked.get(`cluster ${reviews}`), 1)
})

test('a host that the control plane does not know gets 404 with its name', async (t) => {
  const { proxy, source } = await startOutbound(t, { ports: [] })
  const reply = call(proxy, { host: 'reveiws.shop' })
  await until(() => source.isAsked('listener', 'reveiws.shop:80'), 'the question')
  source.remove('listener', 'reveiws.shop:80')
  const { status, headers, body } = await reply
  assert.equal(status, 404)
  assert.match(String(headers['weft-detail']), /^host_not_found; reveiws\.shop/)
  assert.match(body, /NAME\.NAMESPACE/)
})

test('a request waits for a destination only as long as the setting says', async (t) => {
  const { proxy, events } = await startOutbound(t, { ports: [], settings: { configWaitMs: 60 } })
  const { status, headers } = await call(proxy, { host: 'silent.shop' })
  assert.equal(status, 503)
  assert.match(String(headers['weft-detail']), /^config_missing; silent\.shop:80/)
  assert.ok(events.last!.durationMs >= 60)
})

test('a destination without endpoints answers no_healthy_upstream', async (t) => {
  const { proxy, events } = await startOutbound(t, { ports: [] })
  const { status, headers } = await call(proxy)
  assert.equal(status, 503)
  assert.match(String(headers['weft-detail']), /^no_healthy_upstream;/)
  assert.equal(events.last!.flags, 'UH')
})

test('an endpoint that refuses connections costs nothing: another one gets the request, body and all', async (t) => {
  const app = await application(t, 'a')
  const dead = await unusedPort()
  const { proxy, events } = await startOutbound(t, { ports: [dead, app.port] })
  for (let i = 0; i < 6; i++) {
    const { status, body } = await call(proxy, { method: 'POST', body: `n${i}` })
    assert.equal(`${status} ${body}`, `200 a n${i}`)
  }
  assert.ok(events.connectFailures > 0, 'the dead endpoint was never tried')
  assert.ok(events.records.some(({ attempts }) => attempts === 2))
})

test('when every endpoint refuses, the answer names the last one and the cause', async (t) => {
  const ports = [await unusedPort(), await unusedPort()]
  const { proxy, events } = await startOutbound(t, { ports })
  const { status, headers } = await call(proxy)
  assert.equal(status, 503)
  assert.match(String(headers['weft-detail']), /^upstream_connect_failed; 127\.0\.0\.1:\d+: ECONNREFUSED/)
  assert.equal(events.last!.attempts, 2)
  assert.equal(events.last!.flags, 'UF,URX')
})

test('a request that may have had an effect is not repeated without a policy', async (t) => {
  const app = await application(t, 'a', (request) => void request.socket.destroy())
  const { proxy } = await startOutbound(t, { ports: [app.port] })
  assert.equal((await call(proxy, { method: 'POST', body: 'x' })).status, 502)
  assert.deepEqual(app.seen, ['POST /'])
})

test('a policy tries an idempotent request again after a reset, and a POST not', async (t) => {
  const broken = await application(t, 'broken', (request) => void request.socket.destroy())
  const app = await application(t, 'a')
  const routes = [route(forwardTo(reviews, { retry: retryAll }))]
  const { proxy } = await startOutbound(t, { ports: [broken.port, app.port], routes })
  for (let i = 0; i < 4; i++) assert.equal((await call(proxy)).body, 'a ')
  assert.ok(broken.seen.length > 0)
  const statuses = [await call(proxy, { method: 'POST' }), await call(proxy, { method: 'POST' })].map((r) => r.status)
  assert.deepEqual(statuses.sort(), [200, 502])
})

test('a policy tries again on its statuses, up to its attempts, then gives the last answer', async (t) => {
  let count = 0
  const app = await application(t, 'a', (_request, response) => {
    response.statusCode = ++count % 3 === 0 ? 200 : 503
    response.end('x')
  })
  const routes = [route(forwardTo(reviews, { retry: { ...retryAll, attempts: 1 } }))]
  const { proxy, events } = await startOutbound(t, { ports: [app.port], routes })
  assert.equal((await call(proxy)).status, 503)
  assert.equal(count, 2)
  assert.equal((await call(proxy)).status, 200)
  assert.equal(events.last!.attempts, 1)
})

test('a timeout of the request answers 504 and of an attempt tries another endpoint', async (t) => {
  const slow = await application(t, 'slow', () => undefined)
  const app = await application(t, 'a')
  const whole = await startOutbound(t, { ports: [slow.port], routes: [route(forwardTo(reviews, { timeoutMs: 60 }))] })
  const { status, headers } = await call(whole.proxy)
  assert.equal(status, 504)
  assert.match(String(headers['weft-detail']), /^request_timeout;/)
  assert.equal(whole.events.last!.flags, 'UT')
  const retry = { ...retryAll, statuses: [504], attemptTimeoutMs: 60 }
  const each = await startOutbound(t, { ports: [slow.port, app.port], routes: [route(forwardTo(reviews, { retry }))] })
  for (let i = 0; i < 2; i++) assert.equal((await call(each.proxy)).body, 'a ')
  const only = await startOutbound(t, { ports: [slow.port], routes: [route(forwardTo(reviews, { retry }))] })
  assert.match(String((await call(only.proxy)).headers['weft-detail']), /^backend_timeout;/)
})

test('connections are kept and used again, the last one first', async (t) => {
  const app = await application(t, 'a')
  const { proxy, events } = await startOutbound(t, { ports: [app.port] })
  for (let i = 0; i < 10; i++) await call(proxy)
  assert.equal(events.upstreamConnectionsEver, 1)
})

test('a kept connection that the application closes costs no request', async (t) => {
  const app = await application(t, 'a')
  const { proxy, events } = await startOutbound(t, { ports: [app.port] })
  for (let i = 0; i < 5; i++) {
    assert.equal((await call(proxy)).status, 200)
    for (const socket of app.sockets) socket.destroy()
  }
  assert.equal(events.records.filter(({ status }) => status === 200).length, 5)
})

test('a kept connection that is reset when the request arrives is replaced by a fresh one', async (t) => {
  let isFirst = true
  const app = await application(t, 'a', (request, response) => {
    if (request.url === '/reset' && isFirst) {
      isFirst = false
      request.socket.destroy()
    } else response.end('fine')
  })
  const { proxy } = await startOutbound(t, { ports: [app.port] })
  await call(proxy)
  assert.equal((await call(proxy, { path: '/reset' })).body, 'fine')
  assert.deepEqual(app.seen, ['GET /', 'GET /reset', 'GET /reset'])
})

test('connections are bounded, what waits is bounded, and the rest is told upstream_overflow', async (t) => {
  const held: (() => void)[] = []
  const app = await application(t, 'a', (_request, response) => void held.push(() => response.end('late')))
  const settings = { connectionsPerEndpointMax: 2, pendingPerEndpointMax: 1 }
  const { proxy } = await startOutbound(t, { ports: [app.port], settings })
  const first = [call(proxy), call(proxy)]
  await until(() => app.seen.length === 2, 'two requests')
  const third = call(proxy)
  await new Promise((resolve) => setTimeout(resolve, 20))
  const { status, headers } = await call(proxy)
  assert.equal(status, 503)
  assert.match(String(headers['weft-detail']), /^upstream_overflow;/)
  for (const end of held.splice(0)) end()
  await Promise.all(first)
  await until(() => held.length === 1, 'the third request')
  held[0]!()
  assert.equal((await third).body, 'late')
})

test('endpoints that go leave no connection behind', async (t) => {
  const [one, two] = [await application(t, 'one'), await application(t, 'two')]
  const { proxy, source, events } = await startOutbound(t, { ports: [one.port] })
  for (let i = 0; i < 20; i++) {
    await call(proxy)
    source.set('assignment', assignment(reviews, endpoint(i % 2 === 0 ? two.port : one.port)))
  }
  await until(() => events.upstreamConnections <= 1, 'pools of removed endpoints to drain')
})

test('weights share requests, an invalid backend fails its share with 500', async (t) => {
  const app = await application(t, 'a')
  const backends = [to(reviews, 1), { type: 'invalid' as const, reason: 'no Service v9', weight: 1 }]
  const { proxy } = await startOutbound(t, { ports: [app.port], routes: [route(forwardTo(backends))] })
  const statuses = await Promise.all(Array.from({ length: 60 }, async () => (await call(proxy)).status))
  const failed = statuses.filter((status) => status === 500).length
  assert.equal(statuses.filter((status) => status === 200).length, 60 - failed)
  assert.ok(failed > 10 && failed < 50, `${failed} of 60 failed`)
})

test('a new route table waits for its clusters while the old one serves', async (t) => {
  const [one, two] = [await application(t, 'one'), await application(t, 'two')]
  const { proxy, source } = await startOutbound(t, { ports: [one.port] })
  assert.equal((await call(proxy)).body, 'one ')
  source.set('route', routeTable(reviews, route(forwardTo('v2'))))
  await until(() => source.isAsked('cluster', 'v2'), 'the question')
  assert.equal((await call(proxy)).body, 'one ')
  source.set('cluster', edsCluster('v2'))
  await until(() => source.isAsked('assignment', 'v2'), 'the question for endpoints')
  assert.equal((await call(proxy)).body, 'one ')
  source.set('assignment', assignment('v2', endpoint(two.port)))
  assert.equal((await call(proxy)).body, 'two ')
  await until(() => !source.isAsked('cluster', reviews), 'the old cluster to be given up')
})

test('header changes, rewrites and redirects are those of the rule', async (t) => {
  const app = await application(t, 'a')
  const routes = [
    route(
      { type: 'redirect', host: 'new.shop', status: 301 },
      { match: { path: { type: 'exact', value: '/old' }, headers: [], query: [] } },
    ),
    route(
      { type: 'respond', status: 418, body: 'tea' },
      { match: { path: { type: 'exact', value: '/tea' }, headers: [], query: [] } },
    ),
    route(forwardTo(reviews, { rewrite: { host: 'inner', path: { type: 'full', value: '/z' } } }), {
      requestHeaders: { set: [{ name: 'x-a', value: '1' }], add: [], remove: ['x-b'] },
      responseHeaders: { set: [{ name: 'x-c', value: '2' }], add: [], remove: [] },
    }),
  ]
  const { proxy } = await startOutbound(t, { ports: [app.port], routes })
  const redirect = await call(proxy, { path: '/old?q' })
  assert.equal(`${redirect.status} ${redirect.headers.location}`, '301 http://new.shop/old?q')
  const tea = await call(proxy, { path: '/tea' })
  assert.equal(`${tea.status} ${tea.body}`, '418 tea')
  const reply = await call(proxy, { path: '/y?q=1', headers: { 'x-b': 'gone' } })
  assert.equal(reply.headers['x-c'], '2')
  assert.deepEqual(app.seen, ['GET /z?q=1'])
  const seen = app.headers[0]!
  assert.deepEqual(
    [seen.host, seen['x-a'], seen['x-b'], seen['x-forwarded-host']],
    ['inner', '1', undefined, 'reviews.shop'],
  )
})

test('a mirror gets a copy of the request and its answer is thrown away', async (t) => {
  const [app, shadow] = [await application(t, 'a'), await application(t, 'shadow')]
  const mirrors = [{ cluster: 'shadow', numerator: 100, denominator: 100 as const }]
  const { proxy, source } = await startOutbound(t, {
    ports: [app.port],
    routes: [route(forwardTo(reviews, { mirrors }))],
  })
  source.set('cluster', edsCluster('shadow'))
  source.set('assignment', assignment('shadow', endpoint(shadow.port)))
  assert.equal((await call(proxy, { method: 'POST', path: '/m', body: 'copy me' })).body, 'a copy me')
  assert.equal((await call(proxy, { path: '/n' })).body, 'a ')
  await until(() => shadow.bodies.length === 2, 'the copies')
  assert.deepEqual(shadow.seen, ['POST /m', 'GET /n'])
  assert.deepEqual(shadow.bodies, ['copy me', ''])
})

test('inbound goes to its application alone, and takes the caller out of the head', async (t) => {
  const app = await application(t, 'a')
  const started = startEngine()
  t.after(() => started.close())
  started.source.set('listener', inboundListener(app.port))
  started.source.set('cluster', applicationCluster(app.port))
  await until(() => started.engine.isReady, 'readiness')
  const proxy = started.address(`inbound:${app.port}`)
  const peer = 'shop/web/web-0/web/web/v1'
  assert.equal((await call(proxy, { host: 'anything', headers: { 'weft-peer': peer } })).status, 200)
  assert.equal(app.headers[0]!['weft-peer'], undefined)
  assert.equal(app.headers[0]!['x-forwarded-for'], undefined)
  assert.equal(started.events.last!.peer?.workload, 'web')
  await call(proxy)
  assert.equal(app.headers[1]!['x-forwarded-for'], '127.0.0.1')
})

test('a dead application is told to sidecars in weft-detail, and to others without the detail', async (t) => {
  const dead = await unusedPort()
  const started = startEngine()
  t.after(() => started.close())
  started.source.set('listener', inboundListener(dead))
  started.source.set('cluster', applicationCluster(dead))
  await until(() => started.engine.isReady, 'readiness')
  const proxy = started.address(`inbound:${dead}`)
  const told = await call(proxy, { headers: { 'weft-peer': 'shop/web/web-0/web/web/v1' } })
  assert.equal(told.status, 503)
  assert.match(String(told.headers['weft-detail']), /^upstream_connect_failed; 127/)
  const untold = await call(proxy)
  assert.equal(untold.status, 503)
  assert.equal(untold.headers['weft-detail'], undefined)
  assert.doesNotMatch(untold.body, /127\.0\.0\.1/)
})

test('a sidecar that says unsent makes the caller try another replica, POST and all', async (t) => {
  const behindDead = await application(t, 'dead', (_request, response) => {
    response.writeHead(503, { 'weft-detail': 'upstream_connect_failed; 127.0.0.1:1: ECONNREFUSED' })
    response.end('no')
  })
  const app = await application(t, 'a')
  const { proxy } = await startOutbound(t, { ports: [behindDead.port, app.port], isMeshed: true })
  for (let i = 0; i < 4; i++) assert.equal((await call(proxy, { method: 'POST', body: 'b' })).body, 'a b')
  assert.ok(behindDead.seen.length > 0)
  assert.equal(app.headers[0]!['weft-peer'], 'shop/web/web-0//web/latest')
})

test('an endpoint without a sidecar can not speak for the mesh', async (t) => {
  const forger = await application(t, 'forger', (_request, response) => {
    response.writeHead(503, { 'weft-detail': 'upstream_connect_failed; lie' })
    response.end('no')
  })
  const { proxy } = await startOutbound(t, { ports: [forger.port, forger.port] })
  const { headers, body } = await call(proxy, { headers: { 'weft-peer': 'a/b/c/d/e/f' } })
  assert.equal(headers['weft-detail'], undefined)
  assert.equal(body, 'no')
  assert.equal(forger.headers[0]!['weft-peer'], undefined)
  assert.equal(forger.seen.length, 1)
})

test('an address in use is the fault of one listener, and is bound when it is free again', async (t) => {
  const app = await application(t, 'a')
  const started = startEngine()
  t.after(() => started.close())
  started.source.set('listener', outboundListener())
  started.source.set('listener', outboundListener({ name: 'second', address: { host: '127.0.0.1', port: app.port } }))
  const second = () => started.engine.listeners.status.find(({ name }) => name === 'second')
  await until(() => second()?.fault !== undefined && second()!.fault !== '', 'the fault')
  assert.match(second()!.fault, /EADDRINUSE/)
  assert.ok(started.address('outbound').port > 0)
  assert.equal(started.engine.isReady, false)
  assert.match(started.engine.unreadiness, /^listener second: .*EADDRINUSE/)
  await app.close()
  await until(() => started.engine.isReady, 'the second listener')
})

test('a client that leaves takes its attempt along', async (t) => {
  const app = await application(t, 'a', () => undefined)
  const { proxy, events } = await startOutbound(t, { ports: [app.port] })
  const gone = call(proxy, { headers: { 'x-n': '1' } })
  gone.catch(() => undefined)
  await until(() => app.seen.length === 1, 'the request')
  const socket = connect(proxy.port, proxy.host)
  socket.write('GET / HTTP/1.1\r\nhost: reviews.shop\r\n\r\n')
  await until(() => app.seen.length === 2, 'the second request')
  socket.resetAndDestroy()
  await until(() => events.records.length === 1, 'the record')
  assert.equal(events.last!.code, 'client_gone')
  assert.equal(events.last!.flags, 'DC')
  await until(() => app.sockets.size === 1, 'the attempt to be cut')
})
