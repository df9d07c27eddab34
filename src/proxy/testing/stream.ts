/** Applications, proxies and clients of streams, for tests. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { ProxySettings } from '#/config/proxy-settings.ts'
import type { Cluster } from '#/model/cluster.ts'
import type { Listener } from '#/model/listener.ts'
import type { SecretStore } from '#/proxy/tls/secret-store.ts'
import type { HostPort } from '#/std/host-port.ts'
import { type EventRecorder, startEngine, type TestEngine, until } from './engine.ts'
import { edsCluster, endpoint, forwardTo, route, routeTable } from './resources.ts'

/** Takes connections, half-open. @returns its port. */
export async function serve(t: TestContext, onSocket: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    onSocket(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

export interface Running {
  proxy: HostPort
  engine: TestEngine
  events: EventRecorder
}

/** A listener `in` for a service with these ports of applications, inbound and `auto` unless said. */
export async function startStreams(
  t: TestContext,
  options: {
    ports: number[]
    listener?: Partial<Listener>
    settings?: Partial<ProxySettings>
    cluster?: Partial<Cluster>
    secrets?: SecretStore
  },
): Promise<Running> {
  const { ports, listener = {}, settings = {}, cluster = {}, secrets } = options
  const engine = startEngine(settings, 1, secrets)
  t.after(() => engine.close())
  const endpoints = ports.map((port) => endpoint(port))
  engine.source.set('cluster', edsCluster('app', { discovery: { type: 'static', endpoints }, ...cluster }))
  const configuration = routeTable('app', route(forwardTo('app')))
  engine.source.set('listener', {
    name: 'in',
    address: { host: '127.0.0.1', port: 0 },
    direction: 'inbound',
    protocol: 'auto',
    target: { type: 'routes', routes: { type: 'inline', configuration } },
    streams: [{ name: 'in', serverNames: [], backends: [{ type: 'cluster', cluster: 'app', weight: 1 }] }],
    isRedirected: false,
    isLazy: false,
    ...listener,
  })
  await until(() => engine.engine.listeners.status.some(({ isBound }) => isBound), 'the listener')
  return { proxy: engine.address('in'), engine, events: engine.events }
}

/** However it came about. */
export async function closed(socket: Socket): Promise<void> {
  await until(() => socket.closed, 'the end of the connection')
}

export async function open(t: TestContext, { host, port }: HostPort): Promise<{ socket: Socket; text: () => string }> {
  const socket = connect({ host, port, allowHalfOpen: true })
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => undefined)
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  return { socket, text: () => text }
}
