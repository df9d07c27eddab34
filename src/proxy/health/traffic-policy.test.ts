/** Limits and ejections over real sockets. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RetryPolicy } from '#/model/route.ts'
import { until } from '#/proxy/testing/engine.ts'
import { startHttp2Application } from '#/proxy/testing/http2-peer.ts'
import { application, reviews, startOutbound } from '#/proxy/testing/outbound.ts'
import { call, unusedPort } from '#/proxy/testing/peer.ts'
import { assignment, edsCluster, endpoint, forwardTo, route } from '#/proxy/testing/resources.ts'
import { outlierDefaults } from './testing/simulated-cluster.ts'

const retryOn503: RetryPolicy = {
  attempts: 3,
  statuses: [503],
  onConnectFailure: true,
  onReset: true,
  attemptTimeoutMs: 0,
  backoffMs: 1,
}

/** Answers when it is let go. */
async function heldApplication(t: Parameters<typeof application>[0]) {
  const held: (() => void)[] = []
  const app = await application(t, 'a', (_request, response) => {
    held.push(() => response.end('late'))
  })
  return { app, held }
}

test('beyond the limit of requests a call fails at once with UO, and the next one after an end is taken', async (t) => {
  const { app, held } = await heldApplication(t)
  const { proxy, events } = await startOutbound(t, { ports: [app.port], cluster: { breakers: { requestsMax: 2 } } })
  const first = [call(proxy), call(proxy)]
  await until(() => held.length === 2, 'two under way')
  const refused = await call(proxy)
  assert.equal(refused.status, 503)
  assert.equal(events.last!.code, 'upstream_overflow')
  assert.equal(events.last!.flags, 'UO')
  assert.match(events.last!.detail, /as many requests are under way/)
  for (const end of held.splice(0)) end()
  for (const reply of await Promise.all(first)) assert.equal(reply.status, 200)
  const next = call(proxy)
  await until(() => held.length === 1, 'a third')
  held[0]!()
  assert.equal((await next).status, 200)
  assert.equal(app.seen.length, 3)
})

test('one destination at its limit costs another nothing', async (t) => {
  const { app, held } = await heldApplication(t)
  const well = await application(t, 'well')
  const other = 'ratings.shop.svc.cluster.local:80'
  const { proxy, source } = await startOutbound(t, {
    ports: [app.port],
    cluster: { breakers: { requestsMax: 1 } },
    routes: [
      route(forwardTo(other), { match: { path: { type: 'exact', value: '/other' }, headers: [], query: [] } }),
      route(forwardTo(reviews)),
    ],
  })
  source.set('cluster', edsCluster(other, { breakers: { requestsMax: 1 } }))
  source.set('assignment', assignment(other, endpoint(well.port)))
  const slow = call(proxy)
  await until(() => held.length === 1, 'one under way')
  for (let i = 0; i < 5; i++) {
    assert.equal((await call(proxy)).status, 503)
    assert.equal((await call(proxy, { path: '/other' })).body, 'well ')
  }
  held[0]!()
  assert.equal((await slow).status, 200)
})

test('beyond the limit of retries the answer at hand is given', async (t) => {
  const app = await application(t, 'a', (_request, response) => {
    response.writeHead(503)
    response.end('no')
  })
  const routes = [route(forwardTo(reviews, { retry: retryOn503 }))]
  const limited = await startOutbound(t, { ports: [app.port], routes, cluster: { breakers: { retriesMax: 0 } } })
  assert.deepEqual(await call(limited.proxy).then(({ status, body }) => [status, body]), [503, 'no'])
  assert.equal(limited.events.last!.attempts, 1)
  const free = await startOutbound(t, { ports: [app.port], routes })
  await call(free.proxy)
  assert.equal(free.events.last!.attempts, 4)
})

test('while everything fails a budget of a fifth adds a fifth, where retries without one make four of each', async (t) => {
  for (const [breakers, most] of [
    [{ retryBudget: { percent: 20, attemptsMin: 0 } }, 125],
    [undefined, 400],
  ] as const) {
    const held: (() => void)[] = []
    const app = await application(t, 'a', (_request, response) => {
      held.push(() => response.writeHead(503).end('no'))
    })
    const routes = [route(forwardTo(reviews, { retry: retryOn503 }))]
    const { proxy } = await startOutbound(t, { ports: [app.port], routes, cluster: breakers ? { breakers } : {} })
    let over = 0
    const calls = Array.from({ length: 100 }, async () => {
      const { status } = await call(proxy)
      over++
      return status
    })
    // Wave by wave: all that can be under way are, before any of them ends.
    for (;;) {
      await until(() => over === 100 || (held.length > 0 && held.length + over === 100), 'the next wave')
      if (over === 100) break
      for (const end of held.splice(0)) end()
    }
    assert.deepEqual(new Set(await Promise.all(calls)), new Set([503]))
    assert.ok(app.seen.length <= most, `${app.seen.length} attempts for 100 requests`)
    if (most === 400) assert.equal(app.seen.length, 400)
    else assert.ok(app.seen.length > 110, `${app.seen.length} attempts: retries are not forbidden either`)
  }
})

test('all endpoints together have no more connections than allowed, each at least one, and those who wait are served', async (t) => {
  const apps = [await heldApplication(t), await heldApplication(t)]
  const ports = apps.map(({ app }) => app.port)
  const { proxy, events } = await startOutbound(t, { ports, cluster: { breakers: { connectionsMax: 3 } } })
  const replies = Array.from({ length: 10 }, () => call(proxy))
  await until(() => apps.reduce((sum, { held }) => sum + held.length, 0) === 3, 'three under way')
  let ended = 0
  while (ended < 10) {
    await until(() => apps.some(({ held }) => held.length > 0), 'more of them')
    for (const { held } of apps) {
      for (const end of held.splice(0)) {
        end()
        ended++
      }
    }
  }
  for (const reply of await Promise.all(replies)) assert.equal(reply.status, 200)
  assert.equal(events.upstreamConnectionsEver, 3)
})

test('beyond the limit of those who wait a call fails at once', async (t) => {
  const { app, held } = await heldApplication(t)
  const { proxy, events } = await startOutbound(t, {
    ports: [app.port],
    cluster: { breakers: { connectionsMax: 1, pendingMax: 1 } },
  })
  const taken = [call(proxy)]
  await until(() => held.length === 1, 'one under way')
  taken.push(call(proxy))
  await until(() => events.connections === 2, 'one that waits')
  const refused = await call(proxy)
  assert.equal(refused.status, 503)
  assert.equal(events.last!.code, 'upstream_overflow')
  held[0]!()
  await until(() => held.length === 2, 'the one that waited')
  held[1]!()
  for (const reply of await Promise.all(taken)) assert.equal(reply.status, 200)
})

test('an endpoint that answers 500 is left out, asked once when its time is over, and back when it is well', async (t) => {
  let isIll = true
  const ill = await application(t, 'ill', (_request, response) => {
    response.writeHead(isIll ? 500 : 200)
    response.end('ill')
  })
  const well = await application(t, 'well')
  const outliers = { ...outlierDefaults, intervalMs: 40, ejectionMs: 80 }
  const { proxy } = await startOutbound(t, { ports: [ill.port, well.port], cluster: { outliers } })
  for (let i = 0; i < 20; i++) await call(proxy)
  assert.equal(ill.seen.length, 3)
  isIll = false
  const endMs = performance.now() + 3000
  while ((await call(proxy)).body !== 'ill') assert.ok(performance.now() < endMs, 'it is not asked again')
  for (let i = 0; i < 10; i++) assert.equal((await call(proxy)).status, 200)
  assert.ok(ill.seen.length >= 7, String(ill.seen.length))
})

test('an endpoint that takes no connections is left out, and none of its calls fails', async (t) => {
  const well = await application(t, 'well')
  const { proxy, events } = await startOutbound(t, {
    ports: [await unusedPort(), well.port],
    cluster: { outliers: outlierDefaults },
  })
  for (let i = 0; i < 30; i++) assert.equal((await call(proxy)).status, 200)
  assert.equal(events.connectFailures, 3)
})

test('a status of gRPC in the trailers counts, and one that is the caller’s fault does not', async (t) => {
  for (const [grpcStatus, expected] of [
    ['14', 3],
    ['5', 20],
  ] as const) {
    const start = (status: string) =>
      startHttp2Application(t, {
        answer: (stream) => {
          stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
          stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': status }))
          stream.end('x')
        },
      })
    const [ill, well] = [await start(grpcStatus), await start('0')]
    const { proxy, engine } = await startOutbound(t, {
      ports: [ill.port, well.port],
      cluster: { protocol: 'http2', outliers: outlierDefaults },
    })
    for (let i = 0; i < 40; i++) await call(proxy)
    const slots = engine.table.clusters.entries.get(reviews)!.upstream!.slots
    assert.equal(slots.find(({ endpoint }) => endpoint.port === ill.port)!.requests, expected, `status ${grpcStatus}`)
  }
})

test('calls with the same key go to the same endpoint, those without to any', async (t) => {
  const apps = [await application(t, 'a'), await application(t, 'b'), await application(t, 'c')]
  const { proxy } = await startOutbound(t, {
    ports: apps.map(({ port }) => port),
    cluster: { loadBalancing: 'maglev' },
    routes: [route(forwardTo(reviews, { hashOn: [{ type: 'header', name: 'x-user' }] }))],
  })
  const homes = new Set<string>()
  // Ports are the system's, so chance says which key goes where: that none of so many goes to one of three is one in a billion.
  for (let user = 0; user < 52; user++) {
    const bodies = new Set<string>()
    for (let i = 0; i < 2; i++) bodies.add((await call(proxy, { headers: { 'x-user': `user-${user}` } })).body)
    assert.equal(bodies.size, 1, `user ${user}`)
    homes.add([...bodies][0]!)
  }
  assert.equal(homes.size, 3)
  const bodies = new Set<string>()
  for (let i = 0; i < 30; i++) bodies.add((await call(proxy)).body)
  assert.equal(bodies.size, 3)
})
