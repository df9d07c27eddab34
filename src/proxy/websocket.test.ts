/** The end of an upgraded connection, whichever side ends it and in whatever order: the application's connection ends with it, and one record. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import http2 from 'node:http2'
import type { Duplex } from 'node:stream'
import { type TestContext, test } from 'node:test'
import type { HostPort } from '#/std/host-port.ts'
import { startEngine, type TestEngine, until } from './testing/engine.ts'
import { applicationCluster, inboundListener } from './testing/resources.ts'
import { serve } from './testing/stream.ts'

const switching = 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n'

interface Scene {
  proxy: HostPort
  engine: TestEngine
  /** Of the application. */
  open: () => number
}

/** An application that sends back what it hears, and ends first when it hears `bye`. */
async function start(t: TestContext): Promise<Scene> {
  let open = 0
  const port = await serve(t, (socket) => {
    let isUp = false
    open++
    socket.on('close', () => open--)
    socket.on('end', () => socket.end())
    socket.on('data', (bytes) => {
      if (!isUp) socket.write(switching)
      else if (bytes.toString() === 'bye') socket.end('bye')
      else socket.write(bytes)
      isUp = true
    })
  })
  const engine = startEngine()
  t.after(() => engine.close())
  engine.source.set('cluster', applicationCluster(port))
  engine.source.set('listener', inboundListener(port))
  await until(() => engine.engine.listeners.status.some(({ isBound }) => isBound), 'the listener')
  return { proxy: engine.address(`inbound:${port}`), engine, open: () => open }
}

interface Upgraded {
  duplex: Duplex
  reset: () => void
}

const clients: Record<string, (t: TestContext, proxy: HostPort) => Promise<Upgraded>> = {
  'HTTP/1.1': async (_t, { host, port }) => {
    const headers = {
      connection: 'upgrade',
      upgrade: 'websocket',
      'sec-websocket-key': 'eA==',
      'sec-websocket-version': '13',
    }
    const request = http.get({ host, port, headers, agent: false })
    const [, socket] = (await once(request, 'upgrade')) as [unknown, import('node:net').Socket]
    socket.on('error', () => undefined)
    return { duplex: socket, reset: () => socket.resetAndDestroy() }
  },
  'HTTP/2': async (t, { host, port }) => {
    const session = http2.connect(`http://${host}:${port}`)
    t.after(() => session.destroy())
    await once(session, 'remoteSettings')
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/ws',
      ':authority': 'a',
    })
    stream.on('error', () => undefined)
    await once(stream, 'response')
    return { duplex: stream, reset: () => stream.close(http2.constants.NGHTTP2_CANCEL) }
  },
}

const heard = (duplex: Duplex, text: string): Promise<void> => {
  let all = ''
  duplex.on('data', (part) => (all += part))
  return until(() => all.includes(text), text)
}

const ends: Record<string, (upgraded: Upgraded) => Promise<void>> = {
  'the client ends first': async ({ duplex }) => {
    const answer = heard(duplex, 'hello')
    duplex.end('hello')
    await answer
  },
  'the application ends first, and then the client': async ({ duplex }) => {
    const answer = heard(duplex, 'bye')
    duplex.write('bye')
    await answer
    await until(() => duplex.readableEnded, 'the end of what the application says')
    duplex.end()
  },
  'both end at once': async ({ duplex }) => {
    const answer = heard(duplex, 'bye')
    duplex.end('bye')
    await answer
  },
  'the client resets it': async ({ duplex, reset }) => {
    const answer = heard(duplex, 'hello')
    duplex.write('hello')
    await answer
    reset()
  },
  'the application ends first, and the client resets it': async ({ duplex, reset }) => {
    const answer = heard(duplex, 'bye')
    duplex.write('bye')
    await answer
    reset()
  },
}

for (const [version, connect] of Object.entries(clients))
  for (const [what, end] of Object.entries(ends))
    test(`WebSocket from ${version}: ${what}`, async (t) => {
      const { proxy, engine, open } = await start(t)
      const upgraded = await connect(t, proxy)
      assert.equal(open(), 1)
      await end(upgraded)
      await until(() => open() === 0, "the end of the application's connection")
      await until(() => engine.events.records.length > 0, 'its record')
      assert.equal(engine.events.records.length, 1)
      assert.equal(engine.events.upstreamConnections, 0)
    })
