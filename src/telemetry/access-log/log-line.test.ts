import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pickIndex, seededRandom } from '#/std/random.ts'
import { buildRecord } from '../testing/record-builder.ts'
import { lineBytesMax, writeLogLine } from './line-bytes.ts'
import { formatLogLine, formatTime, quote } from './log-line.ts'

const parse = (record: Parameters<typeof buildRecord>[0], isQueryStripped = false): Record<string, unknown> => {
  const line = formatLogLine(buildRecord(record), { isQueryStripped })
  assert.match(line, /^[^\n]*\n$/)
  return JSON.parse(line)
}

test('a request that an application answered reads as in Istio', () => {
  assert.deepEqual(
    parse({
      forwardedFor: '1.2.3.4',
      path: '/reviews/1?user=a',
      durationMs: 12.4,
      firstByteMs: 11.6,
      requestBytes: 5,
      responseBytes: 100,
    }),
    {
      start_time: '2026-01-02T03:04:05.678Z',
      method: 'GET',
      path: '/reviews/1?user=a',
      protocol: 'HTTP/1.1',
      response_code: 200,
      response_flags: '-',
      response_code_details: 'via_upstream',
      bytes_received: 5,
      bytes_sent: 100,
      duration: 12,
      upstream_service_time: 12,
      x_forwarded_for: '1.2.3.4',
      user_agent: 'curl/8',
      request_id: '0c6f1d0e-0000-4000-8000-000000000001',
      authority: 'reviews.shop',
      upstream_host: '10.0.0.7:8080',
      upstream_cluster: 'reviews.shop.svc.cluster.local:80',
      route_name: 'HTTPRoute/shop/reviews rule 0 match 0',
      downstream_remote_address: '10.0.0.3',
      traceparent: null,
      direction: 'outbound',
      listener: 'outbound',
      peer: 'reviews-1.shop',
      attempts: 1,
    },
  )
})

test('a request that the proxy answered names code and detail, and has no upstream', () => {
  const line = parse({
    status: 404,
    code: 'route_not_found',
    detail: 'no rule of "x"\nmatches',
    flags: 'NR',
    attempts: 0,
    route: undefined,
    cluster: undefined,
    endpoint: undefined,
    peer: undefined,
  })
  assert.equal(line.response_code_details, 'route_not_found; no rule of "x"\nmatches')
  assert.equal(line.response_flags, 'NR')
  for (const field of ['upstream_host', 'upstream_cluster', 'route_name', 'peer', 'upstream_service_time']) {
    assert.equal(line[field], null, field)
  }
})

test('a redirect is a direct response', () => {
  assert.equal(parse({ attempts: 0, status: 302 }).response_code_details, 'direct_response')
})

test('inbound, an unknown caller is no peer, though our application has a name', () => {
  assert.equal(parse({ direction: 'inbound', peer: undefined }).peer, null)
  assert.equal(parse({ direction: 'outbound', peer: undefined }).peer, 'reviews-1.shop')
})

test('the query goes when the setting says so', () => {
  assert.equal(parse({ path: '/a?token=secret' }, true).path, '/a')
  assert.equal(parse({ path: '/a' }, true).path, '/a')
})

test('only gRPC has a gRPC status', () => {
  assert.equal(parse({ grpcStatus: 14 }).grpc_status, 14)
  assert.equal('grpc_status' in parse({}), false)
})

test('whatever a client sends, the line is JSON and gives it back', () => {
  const texts = ['"', '\\', '\n\r\t', '\u0000\u001f\u007f', 'ä€', '😀', '</script>', '\u2028', 'a"b\\c\nd']
  for (const text of texts) {
    const line = parse({ path: text, userAgent: text, authority: text, requestId: text, forwardedFor: text })
    for (const field of ['path', 'user_agent', 'authority', 'request_id', 'x_forwarded_for']) {
      assert.equal(line[field], text)
    }
  }
  // Half of a surrogate pair is no character: it is written as an escape, so that the file stays UTF-8.
  assert.equal(quote('a\ud800b'), '"a\\ud800b"')
})

test('every code unit is quoted as JSON.stringify does', () => {
  for (let code = 0; code < 0x10000; code++) {
    const text = `x${String.fromCharCode(code)}`
    assert.equal(quote(text), JSON.stringify(text), code.toString(16))
  }
})

test('times are those of toISOString, across seconds and backwards', () => {
  for (const ms of [0, 1, 999, 1000, 1767323045678, 1767323045009, 1767323046010, 1767323045678, 951782400000]) {
    assert.equal(formatTime(ms), new Date(ms).toISOString())
  }
  assert.equal(formatTime(1767323045678.9), '2026-01-02T03:04:05.678Z')
})

test('the bytes are those of the text, for whatever record', () => {
  const texts = ['', 'plain', '/a?b=c', '"', '\\', '\n\u0000', 'ä€', '😀', 'x'.repeat(300), '\ud800']
  const seed = 20_261_123
  const random = seededRandom(seed)
  const text = (): string => texts[pickIndex(random, texts.length)]!
  const whole = (max: number): number => pickIndex(random, max)
  const bytes = Buffer.alloc(100_000)
  const known = [
    buildRecord(),
    buildRecord({ protocol: 'HTTP/2', route: undefined }),
    buildRecord({ endpoint: undefined }),
  ]
  for (let i = 0; i < 3000; i++) {
    const record = {
      ...known[whole(3)]!,
      wallMs: Date.UTC(2026, 10, 23) + random() * 1e7,
      method: text(),
      path: text(),
      userAgent: text(),
      requestId: text(),
      authority: text(),
      traceparent: text(),
      forwardedFor: text(),
      remoteAddress: text(),
      listener: text(),
      status: whole(3) * 250,
      grpcStatus: whole(4) - 1,
      attempts: whole(3),
      code: whole(3) === 0 ? ('route_not_found' as const) : ('' as const),
      detail: text(),
      flags: ['-', '', 'UF'][whole(3)]!,
      requestBytes: [0, 7, 10, 4096, 2 ** 40][whole(5)]!,
      responseBytes: [1, 99, 100, 999_999_999, 1e9][whole(5)]!,
      durationMs: [-1, 0, 0.4, 9.6, 12_345.5][whole(5)]!,
      firstByteMs: [-1, 0, 3][whole(3)]!,
    }
    const options = { isQueryStripped: whole(2) === 0 }
    const start = whole(100)
    const end = writeLogLine(bytes, start, record, options)
    assert.equal(bytes.toString('utf8', start, end), formatLogLine(record, options), `seed ${seed}, record ${i}`)
    assert.ok(end - start <= lineBytesMax(record))
  }
})
