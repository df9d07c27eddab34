import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AddressBlocks, addressBlockOf } from './address-block.ts'

test('blocks are 24 bits of IPv4 and 64 of IPv6, however the address is written', () => {
  const cases = {
    '10.1.2.3': '10.1.2.0/24',
    '::ffff:10.1.2.3': '10.1.2.0/24',
    '2001:db8:1:2:3:4:5:6': '2001:db8:1:2::/64',
    '2001:db8::1': '2001:db8::/64',
    'fe80::1%eth0': 'fe80::/64',
    '::1': '::/64',
    '': '?',
  }
  for (const [address, block] of Object.entries(cases)) assert.equal(addressBlockOf(address), block, address)
})

test('the first callers are told by address, and more by their block', () => {
  const blocks = new AddressBlocks()
  assert.equal(blocks.blockOf('::ffff:10.0.0.7'), '10.0.0.7/32')
  assert.equal(blocks.blockOf('fe80::1%eth0'), 'fe80::1/128')
  for (let i = 0; i < 300; i++) blocks.blockOf(`10.9.${i >> 8}.${i & 255}`)
  assert.equal(blocks.blockOf('10.8.0.1'), '10.8.0.0/24')
  assert.equal(blocks.blockOf('::ffff:10.0.0.7'), '10.0.0.7/32')
  blocks.clear()
  assert.equal(blocks.blockOf('10.8.0.1'), '10.8.0.1/32')
})
