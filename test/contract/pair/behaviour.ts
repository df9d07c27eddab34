/** What must hold whatever the client speaks and whatever the application speaks. */
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import type { PairBackend } from './backend.ts'
import type { PairClient } from './client.ts'
import { isHttp2, isTls, type Protocol } from './protocol.ts'

export interface PairContext {
  client: PairClient
  backend: PairBackend
  from: Protocol
  to: Protocol
  until(isTrue: () => boolean, what: string): Promise<void>
}

export interface PairBehaviour {
  name: string
  run(context: PairContext): Promise<void>
}

const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** The next piece of a body, whole pieces of the sender put together. */
async function next(readable: Readable, length: number): Promise<string> {
  let got = ''
  while (got.length < length) {
    const chunk = (readable.read() as Buffer | null) ?? undefined
    if (chunk) got += chunk.toString()
    else await once(readable, 'readable')
  }
  return got
}

export const pairBehaviours: readonly PairBehaviour[] = [
  {
    name: 'a request arrives as it was sent, hop-by-hop fields left out',
    async run({ client, from, to }) {
      const headers = { 'x-a': '1', 'x-empty': '', cookie: 'a=1; b=2', 'keep-alive': 'x' }
      if (isHttp2(from)) Reflect.deleteProperty(headers, 'keep-alive')
      const answer = await client.send({ path: '/a%20b?c=d&e', method: 'PUT', headers, body: 'hello' })
      assert.equal(answer.status, 200)
      assert.equal(answer.headers['x-version'], isHttp2(to) ? '2.0' : '1.1')
      const seen = JSON.parse(answer.body.toString())
      assert.deepEqual([seen.method, seen.path, seen.body], ['PUT', '/a%20b?c=d&e', 'hello'])
      assert.deepEqual([seen.headers['x-a'], seen.headers['x-empty'], seen.headers.cookie], ['1', '', 'a=1; b=2'])
      assert.equal(seen.headers['keep-alive'], undefined)
      assert.equal(seen.headers['x-forwarded-proto'], isTls(from) ? 'https' : 'http')
      assert.equal(seen.headers.host ?? seen.headers[':authority'], `${to}.pair.shop`)
    },
  },
  {
    name: 'bodies of every size come through whole, both ways',
    async run({ client }) {
      for (const size of [0, 1, 16_384, 100_000, 1_500_000]) {
        const sent = randomBytes(size)
        const { status, body } = await client.send({ path: '/duplex', method: 'POST', body: sent })
        assert.deepEqual([status, body.length, hash(body)], [200, size, hash(sent)])
      }
      assert.equal((await client.send({ path: '/bytes/2000000' })).body.length, 2_000_000)
    },
  },
  {
    name: 'HEAD, 204 and 304 have no body',
    async run({ client }) {
      const head = await client.send({ path: '/', method: 'HEAD' })
      assert.deepEqual([head.status, head.body.length], [200, 0])
      for (const status of [204, 304]) {
        const answer = await client.send({ path: `/status/${status}` })
        assert.deepEqual([answer.status, answer.body.length], [status, 0])
      }
    },
  },
  {
    name: 'statuses pass as they are',
    async run({ client }) {
      for (const status of [201, 301, 404, 418, 500, 503])
        assert.equal((await client.send({ path: `/status/${status}` })).status, status)
    },
  },
  {
    name: 'trailers cross both ways',
    async run({ client }) {
      const request = { method: 'POST', body: 'four', headers: { te: 'trailers' }, trailers: { 'x-check': 'ok' } }
      const { body, trailers } = await client.send({ path: '/trailers', ...request })
      assert.equal(body.toString(), '4 ok')
      assert.equal(trailers['x-sum'], '4')
    },
  },
  {
    name: 'who waits for 100 gets it, then sends the body',
    async run({ client }) {
      const request = { method: 'POST', headers: { expect: '100-continue', 'content-length': '4' }, body: 'body' }
      const { status, body } = await client.send({ path: '/', ...request })
      assert.deepEqual([status, JSON.parse(body.toString()).body], [200, 'body'])
    },
  },
  {
    name: 'early hints come before the answer',
    async run({ client }) {
      const { early, body } = await client.send({ path: '/early' })
      assert.deepEqual([early, body.toString()], [[103], 'late'])
    },
  },
  {
    name: 'an event is there before the next one is sent',
    async run({ client, backend }) {
      const { answer } = await client.open({ path: '/events' })
      assert.equal(await next(answer, 11), 'data: one\n\n')
      backend.release()
      assert.equal(await next(answer, 11), 'data: two\n\n')
    },
  },
  {
    name: 'both sides speak at the same time, nothing held back',
    async run({ client }) {
      const { answer, request } = await client.open({ path: '/duplex', method: 'POST', body: 'a0' })
      assert.equal(await next(answer, 2), 'a0')
      for (let i = 1; i < 5; i++) {
        request.write(`a${i}`)
        assert.equal(await next(answer, 2), `a${i}`)
      }
      request.end()
      answer.resume()
      await once(answer, 'end')
    },
  },
  {
    name: 'WebSocket: bytes both ways, and an end',
    async run({ client }) {
      const socket = await client.upgrade('/ws')
      for (const text of ['ping', 'x'.repeat(50_000)]) {
        socket.write(text)
        assert.equal(await next(socket, text.length), text)
      }
      socket.end()
      socket.resume()
      await once(socket, 'end')
    },
  },
  {
    name: 'sixty requests at a time are sixty answers',
    async run({ client }) {
      const answers = await Promise.all(
        Array.from({ length: 60 }, (_, i) => client.send({ path: `/n/${i}`, method: 'POST', body: `${i}` })),
      )
      answers.forEach(({ status, body }, i) => {
        assert.equal(status, 200)
        assert.equal(JSON.parse(body.toString()).body, `${i}`)
      })
    },
  },
  {
    name: 'a client that leaves ends the request at the application',
    async run({ client, backend, until }) {
      const { answer, cancel } = await client.open({ path: '/events', headers: { 'x-who': 'leaves' } })
      await next(answer, 11)
      const before = backend.aborted.length
      answer.on('error', () => undefined)
      cancel()
      await until(() => backend.aborted.length > before, 'the end of the request')
      assert.equal(backend.aborted.at(-1), '/events')
    },
  },
  {
    name: 'an answer that breaks off is never taken for whole',
    async run({ client }) {
      await assert.rejects(client.send({ path: '/break' }))
      assert.equal((await client.send({ path: '/' })).status, 200)
    },
  },
]
