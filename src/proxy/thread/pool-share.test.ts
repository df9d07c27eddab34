/** Pools of two event loops, both in this thread: what they share does not care where they run. */
import assert from 'node:assert/strict'
import type { AddressInfo, Socket } from 'node:net'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { until } from '#/proxy/testing/engine.ts'
import { EndpointPool } from '#/proxy/upstream/endpoint-pool.ts'
import { FakeClient, FakeConnection } from '#/proxy/upstream/testing/fake-connection.ts'
import { testUpstream } from '#/proxy/upstream/testing/upstream-context.ts'
import { LimitTable, newLimitTable } from './limit-table.ts'

interface Loop {
  pool: EndpointPool
  table: LimitTable
  open: Set<FakeConnection>
  acquire(count: number): FakeClient[]
}

async function loops(t: TestContext, limits: { connections: number; pending?: number }): Promise<[Loop, Loop]> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => sockets.add(socket.on('error', () => undefined)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const shape = newLimitTable(2)
  const { port } = server.address() as AddressInfo
  const newLoop = (index: number): Loop => {
    const context = testUpstream({
      limits: { connectionsPerEndpointMax: limits.connections, pendingPerEndpointMax: limits.pending ?? 100 },
    })
    const table = new LimitTable(shape, index)
    context.limitTable = table
    const open = new Set<FakeConnection>()
    context.openConnection = (socket, { owner }) => {
      sockets.add(socket)
      const connection = new FakeConnection(
        {
          onIdle: (one) => owner.onIdle(one),
          onClosed: (one) => {
            open.delete(connection)
            socket.destroy()
            owner.onClosed(one)
          },
        },
        1,
      )
      open.add(connection)
      return connection
    }
    const target = { host: '127.0.0.1', port }
    const pool = new EndpointPool(
      { target, cluster: 'reviews', connectTimeoutMs: 1000, mayLoop: false, version: 'http1', tls: undefined },
      context,
    )
    const acquire = (count: number): FakeClient[] =>
      Array.from({ length: count }, () => {
        const client = new FakeClient()
        pool.acquire(client)
        return client
      })
    return { pool, table, open, acquire }
  }
  const [one, two] = [newLoop(0), newLoop(1)]
  one.table.onStir = (key) => setImmediate(() => two.table.stir(key))
  two.table.onStir = (key) => setImmediate(() => one.table.stir(key))
  return [one, two]
}

const served = (clients: readonly FakeClient[]): number => clients.filter(({ connection }) => connection).length

function finish(clients: readonly FakeClient[]): void {
  for (const { connection } of clients) (connection as FakeConnection | undefined)?.finish()
}

test('a busy loop uses the connections that the other does not', async (t) => {
  const [one, two] = await loops(t, { connections: 6 })
  const clients = one.acquire(6)
  await until(() => served(clients) === 6, 'all connections')
  assert.equal(two.open.size, 0)
  const more = two.acquire(1)
  assert.equal(served(more), 0, 'the limit holds for both together')
  finish(clients.slice(0, 1))
  await until(() => served(more) === 1, 'a connection given back')
  assert.equal(one.open.size + two.open.size, 6)
})

test('idle connections go to the loop that has requests waiting', async (t) => {
  const [one, two] = await loops(t, { connections: 4 })
  const clients = one.acquire(4)
  await until(() => served(clients) === 4, 'all connections')
  finish(clients)
  assert.equal(one.open.size, 4)
  const others = two.acquire(4)
  await until(() => served(others) === 4, 'the connections of the other loop')
  assert.equal(one.open.size, 0)
})

test('two busy loops come to have their parts, without more connections than allowed', async (t) => {
  const [one, two] = await loops(t, { connections: 5 })
  const clients = one.acquire(20)
  const others = two.acquire(20)
  let most = 0
  let isShared = false
  const done = new Set<FakeClient>()
  // Requests end one by one, each in its turn.
  while (done.size < 40) {
    most = Math.max(most, one.open.size + two.open.size)
    isShared ||= one.open.size >= 2 && two.open.size >= 2
    const client = [...clients, ...others].find((each) => each.connection && !done.has(each))
    if (client) {
      done.add(client)
      finish([client])
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  assert.ok(most <= 5, `${most} connections at a time`)
  assert.ok(isShared, 'each had its part while both had requests waiting')
})

test('requests that wait in all loops count against one bound', async (t) => {
  const [one, two] = await loops(t, { connections: 2, pending: 3 })
  const clients = one.acquire(2)
  await until(() => served(clients) === 2, 'all connections')
  one.acquire(2)
  const others = two.acquire(2)
  assert.deepEqual(
    others.map(({ failure }) => failure),
    ['', 'upstream_overflow'],
  )
})
