import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatSpiffeId, parseSpiffeId, serviceAccountId, serviceAccountOf } from './spiffe-id.ts'

for (const text of [
  'spiffe://cluster.local/ns/shop/sa/cart',
  'spiffe://a-b_c.0/X',
  'spiffe://td',
  'spiffe://td/a.b/..c/...',
  `spiffe://${'a'.repeat(255)}/x`,
]) {
  test(`${text.slice(0, 50)} is an id and comes back as it was`, () => {
    const id = parseSpiffeId(text)
    assert.ok(typeof id === 'object', String(id))
    assert.equal(formatSpiffeId(id), text)
  })
}

for (const text of [
  '',
  'spiffe:/td/x',
  'SPIFFE://td/x',
  'https://td/x',
  'spiffe://',
  'spiffe:///x',
  'spiffe://TD/x',
  'spiffe://td:8080/x',
  'spiffe://user@td/x',
  'spiffe://td/',
  'spiffe://td/x/',
  'spiffe://td//x',
  'spiffe://td/x/../y',
  'spiffe://td/./x',
  'spiffe://td/x?y',
  'spiffe://td/x#y',
  'spiffe://td/x%2fy',
  'spiffe://td/ä',
  'spiffe://td/x\n',
  `spiffe://${'a'.repeat(256)}/x`,
  `spiffe://td/${'x'.repeat(2048)}`,
]) {
  test(`${JSON.stringify(text.slice(0, 50))} is no id`, () => assert.equal(typeof parseSpiffeId(text), 'string'))
}

test('the id of a service account tells namespace and account, and no other shape does', () => {
  const id = serviceAccountId('cluster.local', { namespace: 'shop', serviceAccount: 'cart' })
  assert.equal(formatSpiffeId(id), 'spiffe://cluster.local/ns/shop/sa/cart')
  assert.deepEqual(serviceAccountOf(id), { namespace: 'shop', serviceAccount: 'cart' })
  for (const path of ['/ns/shop/sa', '/ns/shop/sa/cart/x', '/x/shop/sa/cart', ''])
    assert.equal(serviceAccountOf({ trustDomain: 'cluster.local', path }), undefined)
})
