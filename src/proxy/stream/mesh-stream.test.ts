/** Streams to an endpoint by mutual TLS: however either side ends, nothing of the connection stays and nothing ends the process. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { type TestContext, test } from 'node:test'
import tls from 'node:tls'
import { newRoot } from '#/identity/ca/signing-authority.ts'
import { newLeaf } from '#/identity/testing/authority.ts'
import { startEngine, type TestEngine, until } from '#/proxy/testing/engine.ts'
import { edsCluster, endpoint } from '#/proxy/testing/resources.ts'
import { SecretStore } from '#/proxy/tls/secret-store.ts'
import type { HostPort } from '#/std/host-port.ts'

const root = newRoot('cluster.local', Date.now())
const cart = 'spiffe://cluster.local/ns/shop/sa/cart'

function leafOf(id: string): { cert: string; key: string } {
  const { key, chain } = newLeaf(root, { id })
  return { cert: chain.join(''), key: key.export({ type: 'pkcs8', format: 'pem' }) as string }
}

function newSecrets(): SecretStore {
  const secrets = new SecretStore()
  const { cert, key } = leafOf('spiffe://cluster.local/ns/shop/sa/web')
  secrets.set('ROOTCA', { trustedCa: root.root.toString() })
  secrets.set('default', { chain: cert, privateKey: key })
  return secrets
}

const nothing = (): void => undefined

type OnHello = (secure: tls.TLSSocket, raw: net.Socket) => void

/** What a sidecar, or what is left of one, may do with a stream. */
const endpointEnds: Record<string, OnHello> = {
  'closes it when the handshake is over': nothing,
  'resets it when the handshake is over': nothing,
  'resets it within the handshake': nothing,
  'ends it': (secure) => secure.end('bye'),
  'breaks it off': (secure) => secure.destroy(),
  'breaks it off in the middle of much': (secure) => {
    secure.write('x'.repeat(100_000))
    secure.destroy()
  },
  'resets its connection': (_, raw) => raw.resetAndDestroy(),
  'sends all back': (secure) => secure.write('hello'),
}

const clientEnds: Record<string, (client: net.Socket) => void> = {
  'ends behind it': (client) => client.on('end', () => client.end()),
  'has ended already': (client) => client.end(),
  'resets it': (client) => void client.once('data', () => client.resetAndDestroy()),
}

async function startEndpoint(t: TestContext, what: string, onHello: OnHello): Promise<number> {
  const raws: net.Socket[] = []
  const server = tls.createServer({ ...leafOf(cart), ca: root.root.toString(), requestCert: true })
  server.on('connection', (raw: net.Socket) => {
    raws.push(raw)
    raw.on('error', () => raw.destroy())
    if (what === 'resets it within the handshake') setTimeout(() => raw.resetAndDestroy(), 1)
  })
  server.on('secureConnection', (secure) => {
    secure.on('error', () => secure.destroy())
    secure.on('end', () => secure.end())
    if (what === 'closes it when the handshake is over') secure.destroy()
    if (what === 'resets it when the handshake is over') raws.at(-1)!.resetAndDestroy()
    secure.once('data', () => onHello(secure, raws.at(-1)!))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    for (const raw of raws) raw.destroy()
  })
  return (server.address() as net.AddressInfo).port
}

async function startProxy(t: TestContext, port: number): Promise<{ engine: TestEngine; proxy: HostPort }> {
  const engine = startEngine({}, 1, newSecrets())
  t.after(() => engine.close())
  const endpoints = [endpoint(port, { isMeshed: true, tls: { spiffeId: cart } })]
  engine.source.set('cluster', edsCluster('app', { discovery: { type: 'static', endpoints } }))
  engine.source.set('listener', {
    name: 'in',
    address: { host: '127.0.0.1', port: 0 },
    direction: 'outbound',
    protocol: 'tcp',
    target: { type: 'streams' },
    streams: [{ name: 'in', serverNames: [], backends: [{ type: 'cluster', cluster: 'app', weight: 1 }] }],
    isRedirected: false,
    isLazy: false,
  })
  await until(() => engine.engine.listeners.status.some(({ isBound }) => isBound), 'the listener')
  return { engine, proxy: engine.address('in') }
}

const tcpSockets = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap' || name === 'TLSWrap').length

for (const [what, onHello] of Object.entries(endpointEnds))
  for (const [how, end] of Object.entries(clientEnds))
    test(`the endpoint ${what}, the client ${how}`, async (t) => {
      const port = await startEndpoint(t, what, onHello)
      const { engine, proxy } = await startProxy(t, port)
      const count = 10
      for (let i = 0; i < count; i++) {
        const client = net.connect({ ...proxy, allowHalfOpen: true })
        client.on('error', () => client.destroy())
        client.on('data', () => undefined)
        await once(client, 'connect')
        client.write('hello')
        end(client)
        // Who waits for an answer that never comes leaves, as people do.
        const timer = setTimeout(() => client.destroy(), 60)
        await new Promise((resolve) => client.once('close', resolve))
        clearTimeout(timer)
      }
      await until(() => engine.events.streams.length === count, 'the end of each stream', 8000)
      await until(() => tcpSockets() === 0, 'the end of all connections')
      assert.equal(engine.events.upstreamConnections, 0)
    })
