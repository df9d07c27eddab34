import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { until } from '#/proxy/testing/engine.ts'
import { unusedPort } from '#/proxy/testing/peer.ts'
import type { EndpointPoolOptions } from './endpoint-pool.ts'
import { EndpointPool } from './endpoint-pool.ts'
import { FakeClient, FakeConnection } from './testing/fake-connection.ts'
import { type TestUpstream, testUpstream } from './testing/upstream-context.ts'
import type { UpstreamLimits } from './upstream-context.ts'

interface Setup {
  pool: EndpointPool
  connections: FakeConnection[]
  context: TestUpstream
  acquire(count: number, isRepeatable?: boolean): FakeClient[]
  isServed(clients: FakeClient[]): Promise<void>
}

interface SetupOptions extends Partial<EndpointPoolOptions> {
  limits?: Partial<UpstreamLimits>
  /** Requests a connection takes. */
  streams?: number
  port?: number
}

async function setUp(t: TestContext, { limits = {}, streams = 1, port, ...options }: SetupOptions): Promise<Setup> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => sockets.add(socket.on('error', () => undefined)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const connections: FakeConnection[] = []
  const context = testUpstream({ limits })
  context.openConnection = (socket, { owner }) => {
    sockets.add(socket)
    const connection = new FakeConnection(owner, streams)
    connections.push(connection)
    return connection
  }
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const target = { host: '127.0.0.1', port: port ?? (server.address() as AddressInfo).port }
  const pool = new EndpointPool(
    {
      target,
      cluster: 'reviews',
      connectTimeoutMs: 1000,
      mayLoop: false,
      version: 'http2',
      tls: undefined,
      ...options,
    },
    context,
  )
  return {
    pool,
    connections,
    context,
    acquire(count, isRepeatable = true) {
      const clients = Array.from({ length: count }, () => new FakeClient(isRepeatable))
      for (const client of clients) pool.acquire(client)
      return clients
    },
    isServed: (clients) =>
      until(() => clients.every(({ connection, failure }) => connection ?? failure !== ''), 'connections'),
  }
}

test('fills one connection to its capacity before it opens a second', async (t) => {
  const { connections, acquire, isServed } = await setUp(t, { streams: 100 })
  const first = acquire(100)
  await isServed(first)
  assert.equal(connections.length, 1)
  assert.equal(connections[0]!.active, 100)
  const more = acquire(1)
  await isServed(more)
  assert.equal(connections.length, 2)
  connections[0]!.finish()
  assert.equal(acquire(1)[0]!.connection, connections[0])
})

test('requests of one turn share the connection that the first of them asks for', async (t) => {
  const { connections, acquire, isServed, context } = await setUp(t, { streams: 1000 })
  await isServed(acquire(50))
  assert.equal(connections.length, 1)
  assert.equal(context.events.upstreamConnectionsEver, 1)
})

test('opens what is missing when an endpoint takes fewer streams than hoped', async (t) => {
  const { connections, acquire, isServed } = await setUp(t, { streams: 10 })
  await isServed(acquire(35))
  assert.deepEqual(
    connections.map(({ active }) => active),
    [10, 10, 10, 5],
  )
})

test('opens no more connections than allowed, and refuses whoever would wait in too long a queue', async (t) => {
  const limits = { connectionsPerEndpointMax: 2, pendingPerEndpointMax: 3 }
  const { connections, acquire, isServed, pool } = await setUp(t, { limits, version: 'http1' })
  const clients = acquire(6)
  assert.equal(clients[5]!.failure, 'upstream_overflow')
  await isServed(clients.slice(0, 2))
  assert.equal(connections.length, 2)
  assert.equal(pool.waiting, 3)
  connections[0]!.finish()
  assert.equal(clients[2]!.connection, connections[0])
  assert.ok(clients[2]!.isReused)
})

test('a dial that fails tells all that counted on it, and names the endpoint', async (t) => {
  const port = await unusedPort()
  const { acquire, isServed, context, pool } = await setUp(t, { port })
  const clients = acquire(3)
  await isServed(clients)
  assert.deepEqual(
    clients.map(({ failure }) => failure),
    Array(3).fill('upstream_connect_failed'),
  )
  assert.match(clients[0]!.detail, new RegExp(`127.0.0.1:${port}.*ECONNREFUSED`))
  assert.equal(context.events.connectFailures, 1)
  assert.equal(pool.waiting, 0)
})

test('an idle connection is closed after its time, a busy one is not', async (t) => {
  const limits = { multiplexedIdleMs: 60, poolIdleMs: 60 }
  const { connections, acquire, isServed } = await setUp(t, { limits, streams: 2 })
  await isServed(acquire(3))
  connections[1]!.finish()
  await until(() => connections[1]!.isClosed, 'the end of the idle connection')
  assert.equal(connections[0]!.isDraining, false)
})

test('a connection of full age takes no further request and ends with its last', async (t) => {
  const { connections, acquire, isServed } = await setUp(t, { limits: { connectionAgeMaxMs: 60 }, streams: 10 })
  await isServed(acquire(2))
  await until(() => connections[0]!.isDraining, 'old age')
  assert.equal(connections[0]!.isClosed, false)
  await isServed(acquire(1))
  assert.equal(connections.length, 2)
  connections[0]!.finish()
  connections[0]!.finish()
  assert.ok(connections[0]!.isClosed)
})

test('a request that can not be repeated takes no connection that was idle for long', async (t) => {
  const limits = { poolIdleMs: 400 }
  const { connections, acquire, isServed } = await setUp(t, { limits, version: 'http1' })
  await isServed(acquire(1))
  connections[0]!.finish()
  await new Promise((resolve) => setTimeout(resolve, 230))
  await isServed(acquire(1, false))
  assert.equal(connections.length, 2)
  assert.equal(acquire(1)[0]!.connection, connections[0])
})

test('connects ahead when told to', async (t) => {
  const { connections, acquire, isServed } = await setUp(t, { limits: { preconnectPercent: 200 }, version: 'http1' })
  await isServed(acquire(1))
  await until(() => connections.length === 2, 'the second connection')
})

test('a draining pool serves who waits and keeps nothing', async (t) => {
  const { connections, acquire, isServed, pool } = await setUp(t, { streams: 10 })
  const waiting = acquire(1)
  pool.drain()
  await isServed(waiting)
  assert.ok(connections[0]!.isDraining)
  connections[0]!.finish()
  assert.ok(connections[0]!.isClosed)
})

interface SixServer {
  port: number
  taken: () => number
}

/** Listens on IPv6 alone. */
async function startSix(t: TestContext): Promise<SixServer> {
  let taken = 0
  const server = createServer((socket) => {
    taken++
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '::1' }, resolve))
  t.after(() => server.close())
  return { port: (server.address() as AddressInfo).port, taken: () => taken }
}

test('reaches an endpoint by the address family that answers', async (t) => {
  const six = await startSix(t)
  const { pool, context } = await setUp(t, { target: { host: 'dual.example', port: six.port } })
  context.lookup = (_host, _options, callback) =>
    callback(null, [
      { address: '127.0.0.1', family: 4 },
      { address: '::1', family: 6 },
    ])
  const client = new FakeClient()
  pool.acquire(client)
  await until(() => client.connection !== undefined || client.failure !== '', 'a connection')
  assert.equal(client.failure, '')
  await until(() => six.taken() === 1, 'the connection at the server')
})

test('an IPv6 address is an endpoint like any other', async (t) => {
  const six = await startSix(t)
  const { pool } = await setUp(t, { target: { host: '::1', port: six.port } })
  const client = new FakeClient()
  pool.acquire(client)
  await until(() => six.taken() === 1, 'the connection at the server')
  assert.equal(client.failure, '')
})
