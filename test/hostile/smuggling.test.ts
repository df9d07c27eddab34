/**
 * What could be read in two ways is refused, or reaches the application in one way. Each by its name, against a process, in
 * HTTP/1.1 and HTTP/2; the application's bytes are compared whole.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodeHeaderBlock } from '#/codec/http2/hpack/encoder.ts'
import { expectCount, expectService, type Hostile, startHostile } from './hostile-proxy.ts'
import { flags, frameTypes, RawClient, RawHttp2Client } from './raw-client.ts'

const head = 'POST /a HTTP/1.1\r\nhost: echo.shop\r\n'
const hidden = 'GET /hidden HTTP/1.1\r\nhost: echo.shop\r\n\r\n'

/** Name, bytes, answer. Nothing of them reaches the application. */
const refused: [name: string, bytes: string, outcome?: string][] = [
  ['CL.TE', `${head}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`],
  [
    'TE.CL',
    `${head}transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
  ],
  ['TE in an unknown coding', `${head}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n`],
  [
    'TE in a coding that we do not know, then chunked',
    `${head}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    '501 unsupported_transfer_coding',
  ],
  ['TE twice, the second obfuscated', `${head}transfer-encoding: chunked\r\ntransfer-encoding: cow\r\n\r\n0\r\n\r\n`],
  ['TE with a vertical tab before it', `${head}transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n`],
  ['chunked that is not the last coding', `${head}transfer-encoding: chunked, gzip\r\n\r\n0\r\n\r\n`],
  ['TE in HTTP/1.0', 'POST /a HTTP/1.0\r\nhost: echo.shop\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['obs-fold', `${head}x-a: b\r\n content-length: 10\r\n\r\n`],
  ['obs-fold by a tab', `${head}transfer-encoding:\r\n\tchunked\r\n\r\n`],
  ['a bare CR in a value', `${head}x-a: b\rcontent-length: 5\r\n\r\n`],
  ['a bare LF between fields', `${head}x-a: b\ncontent-length: 5\r\n\r\n`],
  ['a bare LF at the end of the head', 'GET /a HTTP/1.1\r\nhost: echo.shop\n\n'],
  ['a bare CR in the request line', 'GET /a\rHTTP/1.1\r\nhost: echo.shop\r\n\r\n'],
  ['a space before the colon', `${head}content-length : 5\r\n\r\nhello`],
  ['a tab before the colon', `${head}transfer-encoding\t: chunked\r\n\r\n0\r\n\r\n`],
  ['a space before the first field', 'GET /a HTTP/1.1\r\n host: echo.shop\r\n\r\n'],
  ['a field without a colon', `${head}content-length\r\n\r\n`],
  ['a field without a name', `${head}: 5\r\n\r\n`],
  ['NUL in a value', `${head}x-a: b\0c\r\n\r\n`],
  ['content-length twice, different', `${head}content-length: 5\r\ncontent-length: 6\r\n\r\nhello`],
  ['content-length as a list, different', `${head}content-length: 5, 6\r\n\r\nhello`],
  ['content-length with a sign', `${head}content-length: +5\r\n\r\nhello`],
  ['content-length in hexadecimal', `${head}content-length: 0x5\r\n\r\nhello`],
  ['content-length that is negative', `${head}content-length: -5\r\n\r\nhello`],
  ['content-length that is empty', `${head}content-length:\r\n\r\nhello`],
  ['content-length beyond every number', `${head}content-length: 99999999999999999999\r\n\r\nhello`],
  ['Host twice', 'GET /a HTTP/1.1\r\nhost: echo.shop\r\nhost: other\r\n\r\n'],
  ['no Host', 'GET /a HTTP/1.1\r\n\r\n'],
  ['Host with a path', 'GET /a HTTP/1.1\r\nhost: echo.shop/x\r\n\r\n'],
  ['asterisk form of GET', 'GET * HTTP/1.1\r\nhost: echo.shop\r\n\r\n'],
  ['a target with a space', 'GET /a b HTTP/1.1\r\nhost: echo.shop\r\n\r\n'],
  ['absolute form of another scheme', 'GET ftp://echo.shop/a HTTP/1.1\r\nhost: echo.shop\r\n\r\n'],
  ['absolute form with user information', 'GET http://me@echo.shop/a HTTP/1.1\r\nhost: echo.shop\r\n\r\n'],
  ['HTTP/1.2', 'GET /a HTTP/1.2\r\nhost: echo.shop\r\n\r\n', '505 unsupported_version'],
  ['HTTP/0.9', 'GET /a\r\n\r\n'],
  [
    'CONNECT, where no tunnels are made',
    'CONNECT echo.shop:80 HTTP/1.1\r\nhost: echo.shop:80\r\n\r\n',
    '501 unsupported_method',
  ],
]

/** The same in a body: its request has reached the application, and is broken off there; what is hidden never comes. */
const brokenBodies: [name: string, body: string][] = [
  ['a chunk size with a sign', '+5\r\nhello\r\n0\r\n\r\n'],
  ['a chunk size with 0x', '0x5\r\nhello\r\n0\r\n\r\n'],
  ['a chunk size beyond every number', 'fffffffffffffffff\r\nhello\r\n0\r\n\r\n'],
  ['a chunk that is longer than said', '3\r\nhello\r\n0\r\n\r\n'],
  ['a chunk ended by a bare LF', '5\nhello\r\n0\r\n\r\n'],
  ['a chunk extension that holds a bare LF', `5;a\n${hidden}\r\nhello\r\n0\r\n\r\n`],
  ['a chunk extension that holds a bare CR', '5;a\rb\r\nhello\r\n0\r\n\r\n'],
  ['a trailer with a space before its colon', '0\r\ncontent-length : 5\r\n\r\n'],
  ['a trailer that is folded', '0\r\nx-a: b\r\n c\r\n\r\n'],
]

/** Name, bytes, and what the application reads: head and body, without what the proxy adds itself. */
const normalised: [name: string, bytes: string, read: string][] = [
  [
    'content-length twice, the same',
    `${head}content-length: 5\r\n\r\nhello`,
    'POST /a HTTP/1.1\r\nhost: echo.shop\r\ncontent-length: 5\r\n\r\nhello',
  ],
  [
    'chunk extensions',
    `${head}transfer-encoding: chunked\r\n\r\n5;a="b;c";d\r\nhello\r\n0;e\r\n\r\n`,
    'POST /a HTTP/1.1\r\nhost: echo.shop\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  ],
  [
    'trailers that would frame, route or authenticate',
    `${head}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\ncontent-length: 99\r\nhost: other\r\nauthorization: me\r\nx-sum: 1\r\n\r\n`,
    'POST /a HTTP/1.1\r\nhost: echo.shop\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n',
  ],
  [
    'absolute form, which replaces Host',
    'GET http://echo.shop/b?c HTTP/1.1\r\nhost: other\r\n\r\n',
    'GET /b?c HTTP/1.1\r\nhost: echo.shop\r\n\r\n',
  ],
  [
    'fields of the connection, by name and by what Connection names',
    'GET /a HTTP/1.1\r\nhost: echo.shop\r\nconnection: close, x-secret\r\nx-secret: 1\r\nkeep-alive: timeout=5\r\nproxy-connection: keep-alive\r\nte: gzip\r\nx-open: 2\r\n\r\n',
    'GET /a HTTP/1.1\r\nhost: echo.shop\r\nx-open: 2\r\n\r\n',
  ],
  [
    'an upgrade to h2c, which would pass every rule by',
    'GET /a HTTP/1.1\r\nhost: echo.shop\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n',
    'GET /a HTTP/1.1\r\nhost: echo.shop\r\n\r\n',
  ],
]

/** What the proxy tells the application by itself. */
const own = /^(x-request-id|x-forwarded-[a-z]+|traceparent): .*\r\n/gm

/** @returns what the application has read since, without the proxy's own fields. */
async function readBy(hostile: Hostile, act: () => Promise<void>): Promise<string[]> {
  const before = hostile.application.requests.length
  await act()
  return hostile.application.requests.slice(before).map((text) => text.replace(own, ''))
}

test('HTTP/1.1: what could be read in two ways', async (t) => {
  const hostile = await startHostile(t)
  const proxy = hostile.wide
  for (const [name, bytes, outcome = '400 bad_request'] of refused) {
    await t.test(`${name} is refused by ${outcome}`, async () => {
      const code = outcome.slice(4)
      const before = await proxy.count(code)
      const read = await readBy(hostile, async () => {
        const client = await RawClient.open(proxy.port)
        client.write(bytes)
        assert.equal(await client.outcome(), outcome)
        client.destroy()
        await expectCount(proxy, code, before)
        await expectService(proxy)
      })
      assert.deepEqual(read, ['GET /after HTTP/1.1\r\nhost: echo.shop\r\n\r\n'])
    })
  }
  for (const [name, body] of brokenBodies) {
    await t.test(`${name} breaks the request off`, async () => {
      const before = await proxy.count('bad_request')
      const read = await readBy(hostile, async () => {
        const client = await RawClient.open(proxy.port)
        client.write(`${head}transfer-encoding: chunked\r\n\r\n${body}`)
        assert.equal(await client.outcome(), '400 bad_request')
        client.destroy()
        await expectCount(proxy, 'bad_request', before)
        await expectService(proxy)
      })
      assert.deepEqual(read, ['GET /after HTTP/1.1\r\nhost: echo.shop\r\n\r\n'])
    })
  }
  for (const [name, bytes, expected] of normalised) {
    await t.test(`${name}: the application reads it in one way`, async () => {
      const read = await readBy(hostile, async () => {
        const client = await RawClient.open(proxy.port)
        client.write(bytes)
        assert.equal(await client.outcome(), '200')
        client.destroy()
      })
      assert.deepEqual(read, [expected])
    })
  }
  await t.test('asterisk form of OPTIONS is the path of no route: 404, and the application reads nothing', async () => {
    const read = await readBy(hostile, async () => {
      const client = await RawClient.open(proxy.port)
      client.write('OPTIONS * HTTP/1.1\r\nhost: echo.shop\r\n\r\n')
      assert.equal(await client.outcome(), '404')
      client.destroy()
    })
    assert.deepEqual(read, [])
  })
})

const plain = [':method', 'POST', ':scheme', 'http', ':path', '/a', ':authority', 'echo.shop']
/** Name, and the fields of a header block that RFC 9113 section 8 calls malformed. */
const malformed: [name: string, fields: string[]][] = [
  ...['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'].map(
    (name): [string, string[]] => [
      `${name}, which HTTP/2 forbids`,
      [...plain, name, name === 'transfer-encoding' ? 'chunked' : 'x'],
    ],
  ),
  ['te other than trailers', [...plain, 'te', 'gzip']],
  ['a name in upper case', [...plain, 'X-A', 'b']],
  ['a name with a space', [...plain, 'content-length ', '5']],
  ['a name with a colon', [...plain, 'host:', 'x']],
  ['CR LF in a value', [...plain, 'x-a', 'b\r\ncontent-length: 5']],
  ['NUL in a value', [...plain, 'x-a', 'b\0']],
  ['a space before a value', [...plain, 'x-a', ' b']],
  ['CR LF in :path', [':method', 'POST', ':scheme', 'http', ':path', '/a\r\nhost: x', ':authority', 'echo.shop']],
  ['a space in :path', [':method', 'POST', ':scheme', 'http', ':path', '/a HTTP/1.1', ':authority', 'echo.shop']],
  ['a space in :method', [':method', 'POST /x', ':scheme', 'http', ':path', '/a', ':authority', 'echo.shop']],
  ['a pseudo-field behind other fields', [...plain.slice(0, 6), 'x-a', 'b', ':authority', 'echo.shop']],
  ['a pseudo-field twice', [...plain, ':path', '/b']],
  ['a pseudo-field of answers', [...plain, ':status', '200']],
  ['an unknown pseudo-field', [...plain, ':x', 'y']],
  ['no :path', [':method', 'POST', ':scheme', 'http', ':authority', 'echo.shop']],
  ['no :method', plain.slice(2)],
  ['no :authority and no host', plain.slice(0, 6)],
  ['host that differs from :authority', [...plain, 'host', 'other']],
  ['content-length twice', [...plain, 'content-length', '5', 'content-length', '5']],
  ['content-length with a sign', [...plain, 'content-length', '+5']],
  ['content-length with a body that is not there', [...plain, 'content-length', '5']],
]

/** As it stands, in literals: an encoder would mend it. */
function blockOf(fields: readonly string[]): Buffer {
  const literals = fields.map((text, i) => {
    const bytes = Buffer.from(text, 'latin1')
    return Buffer.concat([Buffer.from(i % 2 === 0 ? [0, bytes.length] : [bytes.length]), bytes])
  })
  return Buffer.concat(literals)
}

test('HTTP/2: what could be read in two ways', async (t) => {
  const hostile = await startHostile(t)
  const proxy = hostile.wide
  for (const [name, fields] of malformed) {
    await t.test(`${name} costs the stream, by PROTOCOL_ERROR, and the connection goes on`, async () => {
      const before = await proxy.count('bad_request')
      const read = await readBy(hostile, async () => {
        const client = await RawHttp2Client.open(proxy.port)
        client.frame(frameTypes.headers, flags.endHeaders | flags.endStream, 1, blockOf(fields))
        assert.equal(await client.outcome(), 'RST_STREAM 1 PROTOCOL_ERROR')
        client.ask(3)
        assert.equal(await client.outcome(), 'HEADERS 3 200')
        client.destroy()
        await expectCount(proxy, 'bad_request', before)
      })
      assert.deepEqual(read, ['GET / HTTP/1.1\r\nhost: echo.shop\r\n\r\n'])
    })
  }
  const bodies: [string, string][] = [
    ['more', 'hello!'],
    ['less', 'hell'],
  ]
  for (const [name, body] of bodies) {
    await t.test(`a body of ${name} than content-length says is never whole for the application`, async () => {
      const read = await readBy(hostile, async () => {
        const client = await RawHttp2Client.open(proxy.port)
        client.ask(1, ['content-length', '5'], flags.endHeaders)
        client.frame(frameTypes.data, flags.endStream, 1, Buffer.from(body))
        assert.equal(await client.outcome(), 'RST_STREAM 1 PROTOCOL_ERROR')
        client.destroy()
      })
      assert.deepEqual(read, [])
      assert.match(await proxy.metrics(), /istio_requests_total\{[^}]*response_flags="DPE"/)
    })
  }
  await t.test('crumbs of cookies, host again, and trailers: the application reads them in one way', async () => {
    const read = await readBy(hostile, async () => {
      const client = await RawHttp2Client.open(proxy.port)
      const fields = ['host', 'echo.shop', 'cookie', 'a=1', 'cookie', 'b=2', 'trailer', 'x-sum', 'te', 'trailers']
      client.ask(1, fields, flags.endHeaders)
      client.frame(frameTypes.data, 0, 1, Buffer.from('hello'))
      const trailers = encodeHeaderBlock(['content-length', '99', 'authorization', 'me', 'x-sum', '1'])
      client.frame(frameTypes.headers, flags.endHeaders | flags.endStream, 1, trailers)
      assert.equal(await client.outcome(), 'HEADERS 1 200')
      client.destroy()
    })
    const expected =
      'GET / HTTP/1.1\r\nhost: echo.shop\r\ncookie: a=1; b=2\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n'
    assert.deepEqual(read, [expected])
  })
})
