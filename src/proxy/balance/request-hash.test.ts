import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RequestHead } from '#/codec/message.ts'
import type { HashKey } from '#/model/hash-key.ts'
import { hashText } from './hash.ts'
import { hashRequest } from './request-hash.ts'

const head = {
  path: '/reviews?user=7&x=',
  headers: ['x-user', 'ann', 'cookie', 'session2=no; session=abc;x=1', 'x-empty', ''],
} as unknown as RequestHead

test('each kind of key is found, and what a request has not gives the next key the word', () => {
  for (const [keys, expected] of [
    [[{ type: 'header', name: 'x-user' }], 'ann'],
    [[{ type: 'cookie', name: 'session' }], 'abc'],
    [[{ type: 'cookie', name: 'x' }], '1'],
    [[{ type: 'query', name: 'user' }], '7'],
    [[{ type: 'path' }], '/reviews?user=7&x='],
    [[{ type: 'source' }], '192.0.2.1'],
    [[{ type: 'header', name: 'x-none' }, { type: 'source' }], '192.0.2.1'],
    [
      [
        { type: 'header', name: 'x-empty' },
        { type: 'header', name: 'x-user' },
      ],
      'ann',
    ],
  ] as [HashKey[], string][]) {
    assert.equal(hashRequest(keys, head, '192.0.2.1'), hashText(expected), JSON.stringify(keys))
  }
})

test('a request without any of the keys has no hash', () => {
  for (const key of [
    { type: 'cookie', name: 'sess' },
    { type: 'query', name: 'x' },
    { type: 'header', name: 'x-none' },
  ] as const)
    assert.equal(hashRequest([key], head, ''), -1, key.name)
})
