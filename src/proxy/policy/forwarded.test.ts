import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '#/std/random.ts'
import { requestHead } from '../route/testing/request-head.ts'
import { ensureRequestId, makeRequestId, setForwarded } from './forwarded.ts'

test('a request from a plain client gets all three headers', () => {
  const head = requestHead({ authority: 'shop:8080', headers: ['accept', '*/*'] })
  setForwarded(head, '10.1.2.3')
  assert.deepEqual(head.headers, [
    'accept',
    '*/*',
    'x-forwarded-for',
    '10.1.2.3',
    'x-forwarded-proto',
    'http',
    'x-forwarded-host',
    'shop:8080',
  ])
})

test('a proxy before us keeps its word, and the list of addresses grows at its end', () => {
  const given = [
    'x-forwarded-for',
    '1.1.1.1',
    'x-forwarded-host',
    'a',
    'x-forwarded-proto',
    'https',
    'x-forwarded-for',
    '2.2.2.2',
  ]
  const head = requestHead({ headers: [...given] })
  setForwarded(head, '3.3.3.3')
  assert.deepEqual(head.headers, [...given.slice(0, -1), '2.2.2.2, 3.3.3.3'])
})

test('no host is forwarded when the client named none', () => {
  const head = requestHead({ authority: '', version: 'HTTP/1.0' })
  setForwarded(head, '10.1.2.3')
  assert.ok(!head.headers.includes('x-forwarded-host'))
})

test('traceparent, tracestate and other headers pass untouched', () => {
  const given = [
    'traceparent',
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    'tracestate',
    'a=1',
    'x-other',
    '1',
  ]
  const head = requestHead({ headers: [...given] })
  setForwarded(head, '10.1.2.3')
  assert.deepEqual(head.headers.slice(0, given.length), given)
})

test('a request id that came is kept, an empty or missing one is made', () => {
  const random = seededRandom(1)
  assert.equal(ensureRequestId(['x-request-id', 'mine'], random), 'mine')
  const empty = ['x-request-id', '']
  assert.equal(ensureRequestId(empty, random), empty[1])
  assert.notEqual(empty[1], '')
  const missing: string[] = []
  assert.deepEqual(missing, ensureRequestId(missing, random) ? ['x-request-id', missing[1]] : [])
})

test('ids are UUIDs of version 4 and differ', () => {
  const random = seededRandom(7)
  const ids = Array.from({ length: 20_000 }, () => makeRequestId(random))
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.equal(new Set(ids).size, ids.length)
})

test('every free bit of an id takes both values', () => {
  const random = seededRandom(8)
  let ones = 0n
  let zeros = 0n
  for (let i = 0; i < 500; i++) {
    const bits = BigInt(`0x${makeRequestId(random).replaceAll('-', '')}`)
    ones |= bits
    zeros |= ~bits & ((1n << 128n) - 1n)
  }
  const fixed = (0xfn << 76n) | (0x3n << 62n)
  assert.equal(ones & zeros & ~fixed, ((1n << 128n) - 1n) & ~fixed)
})
