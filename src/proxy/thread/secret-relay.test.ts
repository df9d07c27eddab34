import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SecretStore } from '#/proxy/tls/secret-store.ts'
import type { LoopOrder } from './loop-message.ts'
import { SecretRelay } from './secret-relay.ts'

const told = (orders: readonly LoopOrder[]): string[] =>
  orders.map((order) =>
    order.type === 'secret' ? `${order.name} ${order.secret.chain ?? order.secret.trustedCa}` : '',
  )

test('a loop hears what there is, roots first, then each change, until it has ended', () => {
  const secrets = new SecretStore()
  const relay = new SecretRelay(secrets)
  const [early, late]: [LoopOrder[], LoopOrder[]] = [[], []]
  const close = relay.open((order) => early.push(order))
  assert.deepEqual(told(early), [])
  secrets.set('default', { chain: 'leaf 1', privateKey: 'key 1' })
  secrets.set('ROOTCA', { trustedCa: 'root 1' })
  relay.open((order) => late.push(order))
  close()
  secrets.set('default', { chain: 'leaf 2', privateKey: 'key 2' })
  secrets.set('other', { chain: 'not of the mesh' })
  assert.deepEqual(told(early), ['default leaf 1', 'ROOTCA root 1'])
  assert.deepEqual(told(late), ['ROOTCA root 1', 'default leaf 1', 'default leaf 2'])
})
