import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { test } from 'node:test'
import tls from 'node:tls'
import { pickIndex, seededRandom } from '#/std/random.ts'
import { readClientHello } from './client-hello.ts'
import { readFirstBytes } from './first-bytes.ts'

/** The bytes that a real client of TLS sends first. */
async function helloOf(options: tls.ConnectionOptions): Promise<Buffer> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [accepted] = await once(server, 'connection')
  const client = tls.connect({ socket, rejectUnauthorized: false, ...options })
  client.on('error', () => undefined)
  let bytes = Buffer.alloc(0)
  do {
    const [chunk] = await once(accepted, 'data')
    bytes = Buffer.concat([bytes, chunk])
  } while (readClientHello(bytes).type === 'more')
  client.destroy()
  accepted.destroy()
  server.close()
  return bytes
}

for (const [text, type] of [
  ['GET / HTTP/1.1\r\n', 'http'],
  ['POST /a?b HTTP/1.0\n', 'http'],
  ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'http'],
  ['G', 'more'],
  ['GET /a', 'more'],
  ['PRI * HTTP', 'more'],
  ['PING\r\n', 'opaque'],
  ['EHLO mail.example\r\n', 'opaque'],
  ['MAIL FROM:<a@b>\r\n', 'opaque'],
  ['*1\r\n$4\r\nPING\r\n', 'opaque'],
  ['SSH-2.0-x\r\n', 'opaque'],
  ['GET / HTTP/9.9\r\n', 'opaque'],
  ['\0\x03abc', 'opaque'],
  ['\x16\x03\x01', 'more'],
  ['\x16\x03\x01\0\0', 'opaque'],
] as const) {
  test(`${JSON.stringify(text)} is ${type}`, () => {
    assert.equal(readFirstBytes(Buffer.from(text, 'latin1')).type, type)
  })
}

test('reads the server name of a real ClientHello, at every cut and in small records', async () => {
  const bytes = await helloOf({ servername: 'Reviews.shop' })
  assert.deepEqual(readFirstBytes(bytes), { type: 'tls', serverName: 'reviews.shop' })
  for (let end = 1; end < bytes.length; end++)
    assert.equal(readFirstBytes(bytes.subarray(0, end)).type, 'more', `${end}`)
  // The same message in records of 100 bytes.
  const message = bytes.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += 100) {
    const part = message.subarray(at, at + 100)
    records.push(Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part)
  }
  assert.deepEqual(readFirstBytes(Buffer.concat(records)), { type: 'tls', serverName: 'reviews.shop' })
})

test('a ClientHello without a name has none', async () => {
  assert.deepEqual(readFirstBytes(await helloOf({ host: '127.0.0.1' })), { type: 'tls', serverName: '' })
})

test('mutated hellos are read as something, never thrown at', async () => {
  const seed = 7
  const random = seededRandom(seed)
  const hello = await helloOf({ servername: 'a.example' })
  for (let i = 0; i < 5000; i++) {
    const bytes = Buffer.from(hello)
    for (let edit = 0; edit <= pickIndex(random, 4); edit++)
      bytes[pickIndex(random, bytes.length)] = pickIndex(random, 256)
    const reading = readFirstBytes(bytes.subarray(0, 1 + pickIndex(random, bytes.length)))
    assert.ok(['more', 'opaque', 'tls', 'http'].includes(reading.type), `seed ${seed} round ${i}`)
  }
})
