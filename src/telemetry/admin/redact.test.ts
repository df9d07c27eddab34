import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatRedacted } from './redact.ts'

test('texts and bytes under the names of secrets are blackened, at any depth', () => {
  const dump = {
    tls: { privateKey: 'PEM', private_key: 'PEM', certificate: 'PEM', inner: [{ password: 'p', apiKey: 'k' }] },
    clientSecret: 'x',
    authToken: new Uint8Array([1]),
  }
  assert.deepEqual(JSON.parse(formatRedacted(dump)), {
    tls: {
      privateKey: '[redacted]',
      private_key: '[redacted]',
      certificate: 'PEM',
      inner: [{ password: '[redacted]', apiKey: '[redacted]' }],
    },
    clientSecret: '[redacted]',
    authToken: '[redacted]',
  })
})

test('header values that may be secrets are blackened, their names stay', () => {
  const set = [
    { name: 'Authorization', value: 'Bearer x' },
    { name: 'x-session-token', value: 'y' },
    { name: 'x-color', value: 'blue' },
  ]
  assert.deepEqual(
    JSON.parse(formatRedacted({ set })).set.map(
      ({ name, value }: { name: string; value: string }) => `${name}=${value}`,
    ),
    ['Authorization=[redacted]', 'x-session-token=[redacted]', 'x-color=blue'],
  )
})

test('flags and numbers are no secrets', () => {
  const dump = { allowCredentials: true, tokens: 5, keyboard: 'qwertz', monkey: 'm' }
  assert.deepEqual(JSON.parse(formatRedacted(dump)), dump)
})

test('Maps, Sets and big numbers become JSON', () => {
  assert.deepEqual(
    JSON.parse(formatRedacted({ map: new Map([['a', { password: 'p' }]]), set: new Set([1]), big: 5n })),
    {
      map: { a: { password: '[redacted]' } },
      set: [1],
      big: '5',
    },
  )
  assert.equal(formatRedacted(undefined), 'null')
})
