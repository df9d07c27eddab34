/** HTTP/1.1 through the proxy: bodies, upgrades, continuation, what must and must not pass. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import type { Behaviour } from './behaviour.ts'

async function raw(port: number, bytes: string, isDone: (text: string) => boolean): Promise<string> {
  const socket = net.connect({ port, host: '127.0.0.1' })
  await once(socket, 'connect')
  socket.write(bytes, 'latin1')
  let text = ''
  for await (const chunk of socket) {
    text += chunk.toString('latin1')
    if (isDone(text)) break
  }
  socket.destroy()
  return text
}

export const protocolBehaviours: Behaviour[] = [
  {
    name: 'passes bodies of every framing both ways',
    run: async ({ send }) => {
      for (const body of ['x', 'y'.repeat(1000), 'z'.repeat(90_000)]) {
        assert.equal((await send({ path: '/', method: 'POST', body })).echo?.body, body)
        const chunked = await send({ path: '/', method: 'POST', body, headers: { 'transfer-encoding': 'chunked' } })
        assert.equal(chunked.echo?.body, body)
      }
      assert.equal((await send('/bytes/3000000')).body.length, 3_000_000)
    },
  },
  {
    name: 'HEAD, 204 and 304 have no body and keep the connection',
    run: async ({ send }) => {
      const head = await send({ path: '/', method: 'HEAD' })
      assert.deepEqual([head.status, head.body], [200, ''])
      for (const status of [204, 304]) assert.equal((await send(`/status/${status}`)).status, status)
      assert.equal((await send('/')).status, 200)
    },
  },
  {
    name: 'statuses of the application pass as they are',
    exchanges: [200, 201, 301, 400, 401, 404, 418, 500, 502, 503].map((status) => ({
      request: `/status/${status}`,
      expect: { status },
    })),
  },
  {
    name: 'passes trailers of the answer',
    run: async ({ send }) => {
      const answer = await send({ path: '/trailers', headers: { te: 'trailers' } })
      assert.equal(answer.body, 'body')
      assert.equal(answer.trailers['x-sum'], '4')
    },
  },
  {
    name: 'answers 100 to who waits for it',
    run: async ({ port, host }) => {
      const text = await raw(
        port,
        `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`,
        (got) => got.includes('\r\n\r\n'),
      )
      assert.match(text, /^HTTP\/1\.1 100 /)
    },
  },
  {
    name: 'upgrades to WebSocket and passes raw bytes both ways',
    run: async ({ port, host }) => {
      const text = await raw(
        port,
        `GET /ws HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\nping`,
        (got) => got.endsWith('ping'),
      )
      assert.match(text, /^HTTP\/1\.1 101 Switching Protocols\r\n/)
      assert.match(text, /x-backend: a\r\n/i)
    },
  },
  {
    name: 'hop-by-hop fields do not cross',
    exchanges: [
      {
        request: {
          path: '/',
          headers: {
            connection: 'x-hop, keep-alive',
            'x-hop': '1',
            'proxy-connection': 'keep-alive',
            'keep-alive': 'timeout=5',
            'x-end': '1',
          },
        },
        expect: { received: { 'proxy-connection': null, 'keep-alive': null, 'x-end': '1' } },
      },
    ],
  },
  {
    name: 'gives every request an id and keeps the one it has; trace context passes',
    run: async ({ send }) => {
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
      const kept = await send({ path: '/', headers: { 'x-request-id': 'mine', traceparent } })
      assert.equal(kept.echo?.headers['x-request-id'], 'mine')
      assert.equal(kept.echo?.headers.traceparent, traceparent)
      const made = await send('/')
      assert.match(made.echo?.headers['x-request-id'] ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-/)
      assert.equal(made.echo?.headers['x-forwarded-proto'], 'http')
    },
  },
  {
    name: 'takes the absolute form, as an HTTP proxy does',
    run: async ({ port, host }) => {
      const text = await raw(
        port,
        `GET http://${host}/abs?x=1 HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
        () => false,
      )
      assert.match(text, /"backend":"a"/)
      assert.match(text, /"path":"\/abs\?x=1"/)
    },
  },
  {
    name: 'refuses what could be read in two ways, and what follows it',
    run: async ({ port, host }) => {
      const text = await raw(
        port,
        `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 6\r\nContent-Length: 5\r\n\r\n12345GET /smuggled HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
        () => false,
      )
      assert.match(text, /^HTTP\/1\.1 400 /)
      assert.doesNotMatch(text, /smuggled/)
    },
  },
]
