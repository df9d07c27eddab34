import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { MemoryGuard, type MemoryUse } from '#/proxy/memory/memory-guard.ts'
import { until } from '#/proxy/testing/engine.ts'
import { application, startOutbound } from '#/proxy/testing/outbound.ts'
import { call } from '#/proxy/testing/peer.ts'
import { serve } from '#/proxy/testing/stream.ts'
import { askForTunnel, startTunnelProxy } from '#/proxy/testing/tunnel.ts'
import { ManualClock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'

interface Steered {
  guard: MemoryGuard
  clock: ManualClock
  use: MemoryUse
  log: string[]
  releases: () => number
}

/** @param onRelease what collecting does to the use. */
function steer(onRelease: (use: MemoryUse) => void = () => undefined): Steered {
  const clock = new ManualClock()
  const use = { residentBytes: 100, heapBytes: 10, heapBytesMax: 1000 }
  const log: string[] = []
  let releases = 0
  const guard = new MemoryGuard({
    clock,
    log: new Log({ component: 'proxy', sink: { write: (line) => void log.push(line) } }),
    bytesMax: 1000,
    shedPercent: 95,
    release: () => {
      releases++
      onRelease(use)
    },
    use: () => use,
  })
  guard.start()
  return { guard, clock, use, log, releases: () => releases }
}

test('memory is short at the mark of either limit, and suffices again 5 points below it', () => {
  for (const name of ['residentBytes', 'heapBytes'] as const) {
    const { guard, clock, use } = steer()
    use[name] = 949
    clock.advance(500)
    assert.equal(guard.isShort, false)
    use[name] = 950
    clock.advance(500)
    assert.equal(guard.isShort, true)
    use[name] = 901
    clock.advance(500)
    assert.equal(guard.isShort, true, 'not yet')
    use[name] = 899
    clock.advance(500)
    assert.equal(guard.isShort, false)
  }
})

test('what is only garbage refuses nobody', () => {
  const { guard, clock, use, log, releases } = steer((found) => {
    found.residentBytes = 500
  })
  use.residentBytes = 990
  clock.advance(500)
  assert.deepEqual([guard.isShort, releases(), log.length], [false, 1, 0])
})

test('while memory is short it is given back, and told, every 5 s and not more often', () => {
  const { guard, clock, use, log, releases } = steer()
  use.residentBytes = 990
  clock.advance(20_400)
  assert.equal(guard.isShort, true)
  assert.equal(releases(), 4)
  assert.equal(log.length, 4)
  assert.match(log[0]!, /short of memory.*"residentBytes":990.*"residentBytesMax":1000/)
  use.residentBytes = 10
  clock.advance(500)
  assert.match(log[4]!, /memory suffices again.*"forMs":/)
})

test('while memory is short new requests get 503, those under way go on, and afterwards all is as before', async (t) => {
  let answer: (() => void) | undefined
  const app = await application(t, 'reviews', (request, response) => {
    if (request.url === '/slow') answer = () => response.end('done')
    else response.end('quick')
  })
  const { proxy, engine, events } = await startOutbound(t, { ports: [app.port] })
  const slow = call(proxy, { path: '/slow' })
  await until(() => answer !== undefined, 'the slow request')
  engine.memory.isShort = true
  const refused = await call(proxy)
  assert.equal(refused.status, 503)
  assert.match(String(refused.headers['weft-detail']), /^overloaded; /)
  assert.deepEqual([events.last?.code, events.last?.flags, events.last?.attempts], ['overloaded', 'OM', 0])
  const grpc = await call(proxy, { method: 'POST', headers: { 'content-type': 'application/grpc' } })
  assert.deepEqual([grpc.status, grpc.headers['grpc-status']], [200, '14'])
  answer?.()
  assert.equal((await slow).body, 'done')
  engine.memory.isShort = false
  assert.equal((await call(proxy)).status, 200)
  assert.deepEqual(app.seen, ['GET /slow', 'GET /'])
})

test('while memory is short new streams and tunnels are refused', async (t) => {
  const name = 'redis.shop:6379'
  const port = await serve(t, (socket) => socket.pipe(socket))
  const started = await startTunnelProxy(t, { [name]: { port, protocol: 'tcp' } })
  started.engine.memory.isShort = true
  const asked = await askForTunnel(t, { version: 'HTTP/2', proxy: started.proxy, authority: name })
  assert.deepEqual([asked.status, asked.detail.split(';')[0]], [503, 'overloaded'])
  assert.equal(started.events.streams[0]?.flags, 'OM')
})

test('in earnest: a process whose answers pile up for clients that do not read sheds, and recovers when they go', async (t) => {
  const chunk = Buffer.alloc(65_536, 'x')
  const app = await application(t, 'reviews', (_request, response) => {
    const fill = (): void => {
      while (!response.destroyed && response.write(chunk));
    }
    response.on('drain', fill)
    fill()
  })
  const before = process.memoryUsage.rss()
  // Each client makes the proxy hold 8 MB.
  const clientCount = 24
  const { proxy, engine, log } = await startOutbound(t, {
    ports: [app.port],
    settings: { outputBytesMax: 8_000_000, memoryBytesMax: Math.ceil((before + 120_000_000) / 0.95) },
  })
  assert.equal(engine.memory.isShort, false)
  const clients = Array.from({ length: clientCount }, () => {
    const socket = connect({ ...proxy })
    socket.on('error', () => undefined)
    socket.pause()
    socket.write('GET / HTTP/1.1\r\nhost: reviews.shop\r\n\r\n')
    return socket
  })
  t.after(() => {
    for (const socket of clients) socket.destroy()
  })
  await until(() => engine.memory.isShort, 'shortage', 10_000)
  assert.equal((await call(proxy)).status, 503)
  for (const socket of clients) socket.destroy()
  await until(() => !engine.memory.isShort, 'recovery', 10_000)
  const taken = connect({ ...proxy })
  taken.write('GET / HTTP/1.1\r\nhost: reviews.shop\r\n\r\n')
  const [first] = (await once(taken, 'data')) as [Buffer]
  taken.destroy()
  assert.match(first.toString('latin1', 0, 20), /^HTTP\/1\.1 200 /)
  const told = log.filter((line) => line.includes('memory'))
  assert.ok(told.length >= 2 && told.length < 10, told.join('\n'))
})
