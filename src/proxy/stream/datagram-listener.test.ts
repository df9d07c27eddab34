import assert from 'node:assert/strict'
import type { Socket } from 'node:dgram'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import type { ProxySettings } from '#/config/proxy-settings.ts'
import { startEngine, until } from '#/proxy/testing/engine.ts'
import { edsCluster, endpoint } from '#/proxy/testing/resources.ts'

async function bound(t: TestContext): Promise<Socket> {
  const socket = createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.after(() => socket.close())
  return socket
}

/** Answers each datagram with its name and the bytes. */
async function application(t: TestContext, name: string): Promise<{ port: number; clients: Set<number> }> {
  const socket = await bound(t)
  const clients = new Set<number>()
  socket.on('message', (bytes, { port, address }) => {
    clients.add(port)
    socket.send(`${name} ${bytes}`, port, address)
  })
  return { port: socket.address().port, clients }
}

async function start(t: TestContext, ports: number[], settings: Partial<ProxySettings> = {}) {
  const engine = startEngine(settings)
  t.after(() => engine.close())
  const endpoints = ports.map((port) => endpoint(port))
  engine.source.set('cluster', edsCluster('dns', { discovery: { type: 'static', endpoints } }))
  engine.source.set('listener', {
    name: 'explicit:dns:53/udp',
    address: { host: '127.0.0.1', port: 0 },
    direction: 'outbound',
    protocol: 'udp',
    target: { type: 'streams' },
    streams: [{ name: 'dns', serverNames: [], backends: [{ type: 'cluster', cluster: 'dns', weight: 1 }] }],
    isRedirected: false,
    isLazy: true,
  })
  await until(() => engine.engine.listeners.status.some(({ isBound }) => isBound), 'the listener')
  return { ...engine, proxy: engine.address('explicit:dns:53/udp') }
}

async function ask(client: Socket, port: number, text: string): Promise<string> {
  client.send(text, port, '127.0.0.1')
  const [bytes] = await once(client, 'message')
  return String(bytes)
}

test('datagrams reach an endpoint and its answers come back; a client keeps its endpoint', async (t) => {
  const apps = [await application(t, 'a'), await application(t, 'b')]
  const { proxy, events } = await start(
    t,
    apps.map(({ port }) => port),
  )
  const one = await bound(t)
  const two = await bound(t)
  const first = await ask(one, proxy.port, 'x')
  const other = await ask(two, proxy.port, 'y')
  assert.notEqual(first[0], other[0], 'round robin gives each client another endpoint')
  for (let i = 0; i < 5; i++) assert.equal(await ask(one, proxy.port, `again ${i}`), `${first[0]} again ${i}`)
  assert.equal(events.connections, 2)
})

test('a session that is idle is forgotten, with a record of its bytes', async (t) => {
  const app = await application(t, 'a')
  const { proxy, events } = await start(t, [app.port], { datagramIdleMs: 40 })
  assert.equal(await ask(await bound(t), proxy.port, 'hello'), 'a hello')
  await until(() => events.streams.length === 1, 'the record')
  const [record] = events.streams
  assert.equal(record!.transport, 'udp')
  assert.equal(record!.receivedBytes, 5)
  assert.equal(record!.sentBytes, 7)
  assert.equal(record!.flags, '-')
  assert.equal(events.connections, 0)
})

test('sessions are bounded: the oldest makes room', async (t) => {
  const app = await application(t, 'a')
  const { proxy, events } = await start(t, [app.port], { datagramSessionsMax: 2 })
  for (let i = 0; i < 4; i++) await ask(await bound(t), proxy.port, 'x')
  assert.equal(events.connections, 2)
  assert.deepEqual(
    events.streams.map(({ code }) => code),
    ['upstream_overflow', 'upstream_overflow'],
  )
})

test('without an endpoint a datagram is dropped and told of', async (t) => {
  const { proxy, events } = await start(t, [])
  const client = await bound(t)
  client.send('x', proxy.port, '127.0.0.1')
  await until(() => events.streams.length === 1, 'the record')
  assert.equal(events.streams[0]!.code, 'no_healthy_upstream')
})

test('what others send to the port of a session does not reach the client', async (t) => {
  const app = await application(t, 'a')
  const { proxy } = await start(t, [app.port])
  const client = await bound(t)
  await ask(client, proxy.port, 'x')
  const [sessionPort] = app.clients
  const stranger = await bound(t)
  stranger.send('forged', sessionPort!, '127.0.0.1')
  assert.equal(await ask(client, proxy.port, 'y'), 'a y')
})
