/** Sidecars as processes under a real control plane: what only shows between processes. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { connect } from 'node:net'
import { test } from 'node:test'
import { until } from '#/proxy/testing/engine.ts'
import { call, startApplication } from '#/proxy/testing/peer.ts'
import { eventually } from '../contract/suite.ts'
import { ProxyMesh, podYaml, splitYaml } from './proxy-mesh.ts'

test('a call passes two sidecars, which both count and log it with who called whom', async (t) => {
  const mesh = await ProxyMesh.start(t)
  const app = await startApplication('reviews')
  t.after(() => app.close())
  mesh.applyService('reviews')
  const server = await mesh.startSidecar({ pod: 'reviews-0', app: 'reviews', port: app.port })
  const client = await mesh.startSidecar({ pod: 'web-0', app: 'web' })
  const reply = await call(client.outbound, { method: 'POST', path: '/x', body: 'hello' })
  assert.equal(`${reply.status} ${reply.body}`, '200 reviews hello')
  // The HTTP proxy form, by the full name.
  const host = 'reviews.shop.svc.cluster.local'
  assert.equal((await call(client.outbound, { host: 'ignored', path: `http://${host}/y` })).status, 200)
  assert.equal(app.headers[1]!.host, host)
  const metrics = await (await fetch(`${server.process.admin}/metrics`)).text()
  const series = metrics.split('\n').find((line) => line.startsWith('istio_requests_total{'))
  assert.match(series ?? metrics, /reporter="destination".*source_workload="web".*destination_workload="reviews"/)
  assert.match(series ?? '', /response_code="200".* 2$/)
  await eventually(() => {
    const lines = readFileSync(client.process.accessLog, 'utf8').trim().split('\n')
    assert.equal(lines.length, 2)
    const { request_id, upstream_cluster, response_code } = JSON.parse(lines[0]!)
    assert.equal(request_id, app.headers[0]!['x-request-id'])
    assert.equal(`${upstream_cluster} ${response_code}`, `${host}:80 200`)
  })
})

test('a killed application costs nothing while another replica lives', async (t) => {
  const mesh = await ProxyMesh.start(t)
  const [one, two] = [await startApplication('one'), await startApplication('two')]
  t.after(() => Promise.all([one.close(), two.close()]))
  mesh.applyService('reviews')
  await mesh.startSidecar({ pod: 'reviews-0', app: 'reviews', port: one.port })
  await mesh.startSidecar({ pod: 'reviews-1', app: 'reviews', port: two.port })
  const client = await mesh.startSidecar({ pod: 'web-0', app: 'web' })
  const agent = new http.Agent({ keepAlive: true, maxSockets: 4 })
  t.after(() => agent.destroy())
  for (let i = 0; i < 10; i++) await call(client.outbound, { agent })
  assert.ok(one.seen.length > 0 && two.seen.length > 0, 'both replicas take requests')
  await one.close()
  for (let i = 0; i < 30; i++) {
    const { status, body } = await call(client.outbound, { method: 'POST', body: `${i}`, agent })
    assert.equal(`${status} ${body}`, `200 two ${i}`)
  }
})

test('weights change under load without a failed request', async (t) => {
  const mesh = await ProxyMesh.start(t)
  const [one, two] = [await startApplication('one'), await startApplication('two')]
  t.after(() => Promise.all([one.close(), two.close()]))
  for (const name of ['reviews', 'reviews-v1', 'reviews-v2']) mesh.applyService(name)
  mesh.apply('route', splitYaml('reviews', { 'reviews-v1': 90, 'reviews-v2': 10 }))
  await mesh.startSidecar({ pod: 'v1-0', app: 'reviews-v1', port: one.port })
  await mesh.startSidecar({ pod: 'v2-0', app: 'reviews-v2', port: two.port })
  const client = await mesh.startSidecar({ pod: 'web-0', app: 'web' })
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })
  t.after(() => agent.destroy())
  const answers: string[] = []
  let isDone = false
  const load = Array.from({ length: 8 }, async () => {
    while (!isDone) {
      const { status, body } = await call(client.outbound, { agent })
      answers.push(`${status} ${body.trim()}`)
    }
  })
  await until(() => answers.length > 200, 'some load')
  for (const weights of [
    { 'reviews-v1': 50, 'reviews-v2': 50 },
    { 'reviews-v1': 0, 'reviews-v2': 100 },
  ]) {
    mesh.apply('route', splitYaml('reviews', weights))
    const before = answers.length
    await until(() => answers.length > before + 300, 'load across the edit', 10_000)
  }
  await until(() => answers.slice(-50).every((answer) => answer === '200 two'), 'the last weights', 5000)
  isDone = true
  await Promise.all(load)
  assert.deepEqual([...new Set(answers)].sort(), ['200 one', '200 two'])
})

test('an endpoint that is no longer ready gets no more requests', async (t) => {
  const mesh = await ProxyMesh.start(t)
  const [one, two] = [await startApplication('one'), await startApplication('two')]
  t.after(() => Promise.all([one.close(), two.close()]))
  mesh.applyService('reviews')
  const first = await mesh.startSidecar({ pod: 'reviews-0', app: 'reviews', port: one.port })
  await mesh.startSidecar({ pod: 'reviews-1', app: 'reviews', port: two.port })
  const client = await mesh.startSidecar({ pod: 'web-0', app: 'web' })
  await eventually(async () => assert.equal((await call(client.outbound)).body, 'one '))
  const { inbound, outbound } = first
  const ports = { port: one.port, inbound: inbound.port, outbound: outbound.port }
  mesh.apply('pod-reviews-0', podYaml({ pod: 'reviews-0', app: 'reviews', ...ports, isReady: false }))
  await eventually(async () => {
    const bodies = await Promise.all(Array.from({ length: 10 }, async () => (await call(client.outbound)).body))
    assert.ok(bodies.every((body) => body === 'two '))
  })
})

test('traffic goes on without a control plane, and a restarted sidecar serves from its last configuration', async (t) => {
  const mesh = await ProxyMesh.start(t)
  const app = await startApplication('reviews')
  t.after(() => app.close())
  mesh.applyService('reviews')
  await mesh.startSidecar({ pod: 'reviews-0', app: 'reviews', port: app.port })
  const client = await mesh.startSidecar({ pod: 'web-0', app: 'web' })
  assert.equal((await call(client.outbound)).status, 200)
  // The file of the last configuration is written a moment after a change.
  const file = `${mesh.folder}/web-0.shop/last-good.json`
  await eventually(() => assert.match(readFileSync(file, 'utf8'), /reviews\.shop\.svc\.cluster\.local:80/))
  await mesh.stopControl()
  assert.equal((await call(client.outbound)).status, 200)
  await client.process.stop()
  const ports = { inbound: client.inbound.port, outbound: client.outbound.port }
  const again = await mesh.restartSidecar({ pod: 'web-0', app: 'web' }, ports)
  assert.equal((await call(again.outbound)).body, 'reviews ')
  // The control plane comes back and is obeyed again.
  await mesh.startControl()
  mesh.apply(
    'service-other',
    splitYaml('reviews', {}).replace(
      'backendRefs: []',
      'filters: [{ type: RequestRedirect, requestRedirect: { statusCode: 301, hostname: x.y } }]',
    ),
  )
  await eventually(async () => assert.equal((await call(again.outbound)).status, 301), 15_000)
})

test('a drained sidecar finishes what it has, takes nothing new, and ends with 0', async (t) => {
  const mesh = await ProxyMesh.start(t)
  let finish: (() => void) | undefined
  const app = await startApplication('slow', (request, response) => {
    if (request.url === '/slow') finish = () => response.end('done')
    else response.end('quick')
  })
  t.after(() => app.close())
  mesh.applyService('reviews')
  const server = await mesh.startSidecar({
    pod: 'reviews-0',
    app: 'reviews',
    port: app.port,
    flags: ['--drain-delay-ms', '100'],
  })
  const agent = new http.Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  const slow = call(server.inbound, { path: '/slow', agent })
  await until(() => finish !== undefined, 'the slow request')
  const { child, admin } = server.process
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await eventually(async () => assert.equal((await fetch(`${admin}/ready`)).status, 503))
  await eventually(async () => assert.rejects(call(server.inbound, { path: '/new' })))
  finish!()
  const reply = await slow
  assert.equal(`${reply.status} ${reply.body}`, '200 done')
  assert.equal(reply.headers.connection, 'close')
  assert.equal(await gone, 0)
})

test('a WebSocket passes two sidecars, each side closing when it likes', async (t) => {
  const mesh = await ProxyMesh.start(t)
  const app = await startApplication('echo')
  t.after(() => app.close())
  const server = http.createServer()
  server.on('upgrade', (request, socket, head) => {
    assert.equal(request.headers.upgrade, 'websocket')
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n',
    )
    socket.write(head)
    socket.on('data', (chunk) => socket.write(chunk))
    socket.on('end', () => socket.end('bye'))
    socket.on('error', () => undefined)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  mesh.applyService('chat')
  const { port } = server.address() as { port: number }
  await mesh.startSidecar({ pod: 'chat-0', app: 'chat', port })
  const client = await mesh.startSidecar({ pod: 'web-0', app: 'web' })
  const socket = connect({ ...client.outbound, allowHalfOpen: true })
  let received = ''
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
  })
  socket.write(
    'GET /ws HTTP/1.1\r\nhost: chat.shop\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: k\r\nsec-websocket-version: 13\r\n\r\nearly',
  )
  await until(() => received.endsWith('\r\n\r\nearly'), 'the switch and the first bytes')
  assert.match(received, /^HTTP\/1\.1 101 .*sec-websocket-accept: x/s)
  socket.write('more')
  await until(() => received.endsWith('more'), 'the echo')
  socket.end()
  await until(() => received.endsWith('bye'), 'the last word after our end')
  await new Promise((resolve) => (socket.closed ? resolve(undefined) : socket.once('close', resolve)))
})
