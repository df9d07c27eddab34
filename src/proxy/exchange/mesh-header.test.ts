import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatDetail, formatPeer, parsePeer, readUnsentDetail, takePeer } from './mesh-header.ts'

const identity = {
  namespace: 'shop',
  workload: 'reviews-v1',
  pod: 'reviews-v1-0',
  serviceAccount: 'reviews',
  app: 'a/b',
  version: '1,0 ä',
}

function answer(status: number, detail?: string) {
  return { status, headers: detail === undefined ? [] : ['weft-detail', detail], bodyLength: 0, upgrade: '' }
}

test('an identity comes out of the header as it went in', () => {
  assert.deepEqual(parsePeer(formatPeer(identity)), identity)
})

test('what is no identity is none, and is taken out of the head all the same', () => {
  for (const text of [
    '',
    'a',
    'a/b/c/d/e',
    'a/b/c/d/e/f/g',
    '%/b/c/d/e/f',
    '%ff/b/c/d/e/f',
    `${'x'.repeat(2000)}/b/c/d/e/f`,
  ])
    assert.equal(parsePeer(text), undefined, text)
  const headers = ['weft-peer', 'nonsense', 'a', 'b']
  assert.equal(takePeer(headers), undefined)
  assert.deepEqual(headers, ['a', 'b'])
})

test('a caller that comes again is the same object', () => {
  const text = formatPeer(identity)
  assert.equal(takePeer(['weft-peer', text]), takePeer(['x', 'y', 'weft-peer', text]))
})

test('only a declared code of a request that was not sent counts as unsent', () => {
  assert.equal(
    readUnsentDetail(answer(503, formatDetail('upstream_connect_failed', 'x')), false),
    'upstream_connect_failed',
  )
  assert.equal(readUnsentDetail(answer(503, 'draining'), false), 'draining')
  assert.equal(readUnsentDetail(answer(200, 'draining'), true), 'draining')
  for (const head of [
    answer(503),
    answer(200, 'draining'),
    answer(502, 'upstream_reset; x'),
    answer(503, 'toString; x'),
    answer(503, 'nonsense'),
  ])
    assert.equal(readUnsentDetail(head, false), '')
})
