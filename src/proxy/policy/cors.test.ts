import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HeaderList } from '#/codec/message.ts'
import type { CorsPolicy } from '#/model/route.ts'
import { requestHead } from '../route/testing/request-head.ts'
import { allowedOrigin, applyCors, compileCors, isPreflight, preflightHeaders } from './cors.ts'

const policy = (given: Partial<CorsPolicy>): CorsPolicy => ({
  allowOrigins: [],
  allowMethods: [],
  allowHeaders: [],
  exposeHeaders: [],
  allowCredentials: false,
  maxAgeSeconds: 5,
  ...given,
})

const preflight = (origin: string, method = 'GET', names?: string) =>
  requestHead({
    method: 'OPTIONS',
    headers: [
      'origin',
      origin,
      'access-control-request-method',
      method,
      ...(names ? ['access-control-request-headers', names] : []),
    ],
  })

const record = (headers: HeaderList): Record<string, string> => {
  const entries = Array.from({ length: headers.length / 2 }, (_, i) => [headers[2 * i]!, headers[2 * i + 1]!] as const)
  assert.equal(new Set(entries.map(([name]) => name)).size, entries.length, 'no header twice')
  return Object.fromEntries(entries)
}

const full = compileCors(
  policy({
    allowOrigins: ['https://www.foo.com', 'https://*.bar.com'],
    allowMethods: ['GET', 'OPTIONS'],
    allowHeaders: ['x-header-1', 'x-header-2'],
    exposeHeaders: ['x-header-3', 'x-header-4'],
    allowCredentials: true,
    maxAgeSeconds: 3600,
  }),
)

test('only OPTIONS with Origin and Access-Control-Request-Method is a preflight', () => {
  assert.equal(isPreflight(preflight('https://a')), true)
  assert.equal(isPreflight(requestHead({ ...preflight('https://a'), method: 'GET' })), false)
  assert.equal(isPreflight(requestHead({ method: 'OPTIONS', headers: ['origin', 'https://a'] })), false)
  assert.equal(
    isPreflight(requestHead({ method: 'OPTIONS', headers: ['access-control-request-method', 'GET'] })),
    false,
  )
})

test('a preflight of an allowed origin gets the whole permission', () => {
  assert.deepEqual(record(preflightHeaders(full, preflight('https://www.foo.com'))), {
    'access-control-allow-origin': 'https://www.foo.com',
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'GET, OPTIONS',
    'access-control-allow-headers': 'x-header-1, x-header-2',
    'access-control-expose-headers': 'x-header-3, x-header-4',
    'access-control-max-age': '3600',
    vary: 'origin',
  })
})

test('a preflight of another origin gets none', () => {
  assert.deepEqual(record(preflightHeaders(full, preflight('https://foobar.com'))), { vary: 'origin' })
})

const origins: [string, string, boolean][] = [
  ['https://*.bar.com', 'https://www.bar.com', true],
  ['https://*.bar.com', 'https://xpto.www.bar.com', true],
  ['https://*.bar.com', 'https://bar.com', false],
  ['https://*.bar.com', 'http://www.bar.com', false],
  ['https://*.bar.com', 'https://www.bar.com.evil.org', false],
  ['https://*.bar.com', 'https://www.bar.com:8443', false],
  ['https://*.bar.com:8443', 'https://www.bar.com:8443', true],
  ['https://*', 'https://anything.example', true],
  ['https://*', 'https://anything.example:8443', false],
  ['https://*', 'https://[::1]', true],
  ['http://*:8080', 'http://a.b:8080', true],
  ['http://*:8080', 'http://a.b', false],
  ['https://a.*.c.*.e', 'https://a.x.c.y.z.e', true],
  ['https://a.*.c.*.e', 'https://a.c.e', false],
  ['https://foo.com', 'https://foo.com:443', true],
  ['https://foo.com:443', 'https://foo.com', true],
  ['http://foo.com:80', 'http://foo.com', true],
  ['https://foo.com', 'https://foo.com:80', false],
  ['https://foo.com', 'https://FOO.com', true],
  ['*', 'https://foobar.com:12345', true],
  ['*', 'null', true],
  ['https://foo.com', 'null', false],
]

for (const [pattern, origin, isAllowed] of origins) {
  test(`${pattern} ${isAllowed ? 'allows' : 'refuses'} ${origin}`, () => {
    const cors = compileCors(policy({ allowOrigins: [pattern] }))
    assert.equal(allowedOrigin(cors, ['origin', origin]), isAllowed ? origin : '')
  })
}

test('without credentials wildcards are sent as they are, and nothing varies', () => {
  const cors = compileCors(
    policy({ allowOrigins: ['*'], allowMethods: ['*'], allowHeaders: ['*'], exposeHeaders: ['*'] }),
  )
  assert.deepEqual(record(preflightHeaders(cors, preflight('https://a', 'PUT', 'x-a'))), {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': '*',
    'access-control-allow-headers': '*',
    'access-control-expose-headers': '*',
    'access-control-max-age': '5',
  })
})

test('with credentials wildcards are written out from the request', () => {
  const cors = compileCors(
    policy({
      allowOrigins: ['*'],
      allowMethods: ['*'],
      allowHeaders: ['*'],
      exposeHeaders: ['*'],
      allowCredentials: true,
    }),
  )
  assert.deepEqual(record(preflightHeaders(cors, preflight('https://a', 'PUT', 'x-a, x-b'))), {
    'access-control-allow-origin': 'https://a',
    'access-control-allow-credentials': 'true',
    'access-control-allow-methods': 'PUT',
    'access-control-allow-headers': 'x-a, x-b',
    'access-control-max-age': '5',
    vary: 'origin',
  })
  assert.equal(
    record(preflightHeaders(cors, preflight('https://a')))['access-control-allow-headers'],
    undefined,
    'no header asked for, none written',
  )
})

test('the answer to an actual request names origin, credentials and exposed headers', () => {
  const headers = ['content-type', 'text/plain']
  applyCors(full, allowedOrigin(full, ['origin', 'https://x.bar.com']), headers)
  assert.deepEqual(record(headers), {
    'content-type': 'text/plain',
    'access-control-allow-origin': 'https://x.bar.com',
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': 'x-header-3, x-header-4',
    vary: 'origin',
  })
})

test('the permission of the application gives way to the policy', () => {
  const headers = ['access-control-allow-origin', '*', 'access-control-expose-headers', 'x']
  applyCors(full, '', headers)
  assert.deepEqual(record(headers), { vary: 'origin' })
})

test('Vary is lengthened once', () => {
  for (const [given, expected] of [
    ['accept-encoding', 'accept-encoding, origin'],
    ['Origin', 'Origin'],
    ['accept, origin , x', 'accept, origin , x'],
    ['x-origin', 'x-origin, origin'],
    ['*', '*'],
  ] as const) {
    const headers = ['vary', given]
    applyCors(full, '', headers)
    assert.deepEqual(headers, ['vary', expected])
  }
})
