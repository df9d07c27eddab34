import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatHostPort, parseHostPort } from './host-port.ts'

for (const [text, expected] of [
  ['127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
  ['[::1]:8080', { host: '::1', port: 8080 }],
  ['reviews.shop', { host: 'reviews.shop', port: 80 }],
  ['[::1]', { host: '::1', port: 80 }],
  ['reviews:', { host: 'reviews', port: 80 }],
  ['a:0', undefined],
  ['a:65536', undefined],
  ['a:8x', undefined],
  ['::1', undefined],
  ['[::1', undefined],
  ['[::1]x', undefined],
  [':80', undefined],
] as const) {
  test(`reads ${JSON.stringify(text)} as ${JSON.stringify(expected) ?? 'no address'}`, () => {
    assert.deepEqual(parseHostPort(text, 80), expected)
  })
}

test('writes what it reads', () => {
  for (const text of ['127.0.0.1:80', '[::1]:8080']) assert.equal(formatHostPort(parseHostPort(text)!), text)
})
