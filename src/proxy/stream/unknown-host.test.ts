/** Redirected connections to addresses that nobody knows: where the mesh refuses them, and where it does not. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import type { Listener } from '#/model/listener.ts'
import { startEngine, type TestEngine, until } from '#/proxy/testing/engine.ts'
import { call } from '#/proxy/testing/peer.ts'
import { edsCluster, endpoint, forwardTo, outboundListener, route, routeTable } from '#/proxy/testing/resources.ts'
import { closed, open, serve } from '#/proxy/testing/stream.ts'
import type { HostPort } from '#/std/host-port.ts'

const known = 'api.example'
const unknown = { host: '192.0.2.7', port: 443 }

interface Redirected extends TestEngine {
  proxy: HostPort
}

/** @param options.port where `api.example:443` answers. */
async function startRedirected(
  t: TestContext,
  options: { original: HostPort; refusesUnknown: boolean; port?: number; protocol?: Listener['protocol'] },
): Promise<Redirected> {
  const { original, refusesUnknown, port = 9, protocol = 'tls' } = options
  const started = startEngine({ detectTimeoutMs: 100 }, 1, undefined, () => original)
  t.after(() => started.close())
  const { source } = started
  source.set('listener', outboundListener({ isRedirected: true, target: { type: 'on-demand', refusesUnknown } }))
  const cluster = `${known}:443`
  source.set('cluster', edsCluster(cluster, { discovery: { type: 'static', endpoints: [endpoint(port)] } }))
  const configuration = routeTable(cluster, route(forwardTo(cluster)))
  const streams = [{ name: 'default', serverNames: [], backends: [{ type: 'cluster' as const, cluster, weight: 1 }] }]
  source.set('listener', {
    name: cluster,
    direction: 'outbound',
    protocol,
    target: protocol === 'tls' ? { type: 'streams' } : { type: 'routes', routes: { type: 'inline', configuration } },
    ...(protocol === 'tls' ? { streams } : {}),
    isRedirected: false,
    isLazy: false,
  })
  await until(() => started.engine.isReady, 'readiness')
  return { ...started, proxy: started.address('outbound') }
}

/** The control plane says that it knows no such name. */
async function deny({ source }: TestEngine, name: string): Promise<void> {
  await until(() => source.isAsked('listener', name), `the question for ${name}`)
  source.remove('listener', name)
}

/** Sends a ClientHello. */
function sayHello(t: TestContext, { host, port }: HostPort, servername: string): import('node:tls').TLSSocket {
  const socket = connectTls({ socket: connect(port, host), servername, rejectUnauthorized: false })
  socket.on('error', () => undefined)
  t.after(() => socket.destroy())
  return socket
}

test('opaque bytes to an address that nobody knows are refused, told and counted', async (t) => {
  const running = await startRedirected(t, { original: unknown, refusesUnknown: true })
  const { socket } = await open(t, running.proxy)
  socket.write('*1\r\n$4\r\nPING\r\n')
  await deny(running, '192.0.2.7:443')
  await closed(socket)
  const { events } = running
  assert.deepEqual(events.unknownHosts, ['192.0.2.7:443 stream refused'])
  assert.deepEqual(
    events.streams.map(({ code, detail, attempts }) => `${code}; ${detail}; ${attempts}`),
    ['host_unknown; 192.0.2.7:443 may not be called from namespace shop; 0'],
  )
})

test('a silent client is not dialled for, but closed', async (t) => {
  const running = await startRedirected(t, { original: unknown, refusesUnknown: true })
  const { socket } = await open(t, running.proxy)
  await deny(running, '192.0.2.7:443')
  await closed(socket)
  assert.deepEqual(running.events.detections, ['timeout'])
  assert.equal(running.events.upstreamConnectionsEver + running.events.connectFailures, 0)
})

for (const refusesUnknown of [true, false]) {
  test(`TLS goes to the host that its server name says, ${refusesUnknown ? 'refused' : 'allowed'} as the address is`, async (t) => {
    let seen: number | undefined
    const port = await serve(t, (socket) =>
      socket.on('data', (bytes) => {
        seen = Buffer.from(bytes)[0]
        socket.destroy()
      }),
    )
    const running = await startRedirected(t, { original: unknown, refusesUnknown, port })
    const socket = sayHello(t, running.proxy, known)
    await deny(running, '192.0.2.7:443')
    await until(() => seen !== undefined, 'the ClientHello')
    assert.equal(seen, 22, 'a record of a handshake')
    await closed(socket)
    await until(() => running.events.streams.length > 0, 'the record')
    assert.deepEqual(running.events.unknownHosts, [])
    assert.equal(running.events.streams[0]?.cluster?.name, 'api.example:443')
  })
}

test('TLS for a server name that nobody knows is refused by that name', async (t) => {
  const running = await startRedirected(t, { original: unknown, refusesUnknown: true })
  const socket = sayHello(t, running.proxy, 'evil.example')
  await deny(running, '192.0.2.7:443')
  await deny(running, 'evil.example:443')
  await closed(socket)
  assert.deepEqual(running.events.unknownHosts, ['evil.example:443 stream refused'])
  assert.equal(running.events.streams[0]?.code, 'host_unknown')
})

test('where each call goes to its own host, that is the one of the server name, not the address', async (t) => {
  let connections = 0
  const port = await serve(t, (socket) => {
    connections++
    socket.destroy()
  })
  const running = await startRedirected(t, { original: { host: '192.0.2.7', port }, refusesUnknown: true })
  running.source.set('cluster', edsCluster('any', { discovery: { type: 'dynamic' } }))
  running.source.set(
    'listener',
    {
      name: '*.localhost',
      direction: 'outbound',
      protocol: 'tls',
      target: { type: 'streams' },
      streams: [{ name: 'default', serverNames: [], backends: [{ type: 'cluster', cluster: 'any', weight: 1 }] }],
      isRedirected: false,
      isLazy: false,
    },
    [`localhost:${port}`],
  )
  const socket = sayHello(t, running.proxy, 'localhost')
  await deny(running, `192.0.2.7:${port}`)
  await closed(socket)
  assert.equal(connections, 1)
  assert.deepEqual(running.events.unknownHosts, [])
})

test('where unknown hosts are allowed TLS goes where it was going', async (t) => {
  let connections = 0
  const port = await serve(t, (socket) => {
    connections++
    socket.on('data', () => socket.destroy())
  })
  const running = await startRedirected(t, { original: { host: '127.0.0.1', port }, refusesUnknown: false })
  const socket = sayHello(t, running.proxy, 'evil.example')
  await deny(running, `127.0.0.1:${port}`)
  await deny(running, `evil.example:${port}`)
  await closed(socket)
  assert.equal(connections, 1)
  assert.deepEqual(running.events.unknownHosts, [`evil.example:${port} stream passed`])
})

test('a client that leaves while the server name is looked up is let go with the answer', async (t) => {
  const running = await startRedirected(t, { original: unknown, refusesUnknown: true })
  const socket = sayHello(t, running.proxy, 'slow.example')
  await deny(running, '192.0.2.7:443')
  await until(() => running.source.isAsked('listener', 'slow.example:443'), 'the question')
  socket.destroy()
  await once(socket, 'close')
  running.source.remove('listener', 'slow.example:443')
  await until(() => running.events.connections === 0, 'the end of the connection')
})

test('requests to an unknown address are told apart by their Host', async (t) => {
  const port = await serve(t, (socket) =>
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi')),
  )
  const running = await startRedirected(t, { original: unknown, refusesUnknown: true, port, protocol: 'http' })
  const good = call(running.proxy, { host: known })
  await deny(running, '192.0.2.7:443')
  assert.equal((await good).body, 'hi')
  const bad = call(running.proxy, { host: 'evil.example' })
  await deny(running, 'evil.example:443')
  const { status, headers } = await bad
  assert.equal(status, 502)
  assert.match(String(headers['weft-detail']), /^host_unknown; evil\.example:443 /)
  assert.deepEqual(running.events.unknownHosts, ['evil.example:443 request refused'])
})
