import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IpRange } from './ip-range.ts'

const cases: [block: string, address: string, isInside: boolean][] = [
  ['10.0.0.0/8', '10.255.1.2', true],
  ['10.0.0.0/8', '11.0.0.0', false],
  ['10.1.2.3/32', '10.1.2.3', true],
  ['10.1.2.3/32', '10.1.2.4', false],
  ['10.1.2.3/30', '10.1.2.0', true],
  ['0.0.0.0/0', '255.255.255.255', true],
  ['0.0.0.0/0', '::1', false],
  ['10.0.0.0/8', '::ffff:10.9.8.7', true],
  ['10.0.0.0/8', '::ffff:a09:807', true],
  ['10.0.0.0/8', '::10.9.8.7', false],
  ['0.0.0.0/32', '::ffff:0.0.0.0', true],
  ['::/0', '10.0.0.1', true],
  ['::/128', '::', true],
  ['::1/128', '0:0:0:0:0:0:0:1', true],
  ['2001:db8::/32', '2001:DB8:1::5', true],
  ['2001:db8::/32', '2001:db9::5', false],
  ['2001:db8:0:1::/63', '2001:db8::ffff', true],
  ['2001:db8:0:1::/64', '2001:db8::ffff', false],
  ['1:2:3:4:5:6:7::/112', '1:2:3:4:5:6:7:8', true],
  ['1::8/128', '1:0:0:0:0:0:0:8', true],
  ['fe80::/10', 'fe80::1%eth0', true],
  ['10.0.0.0/8', 'not an address', false],
]

for (const [block, address, isInside] of cases)
  test(`${address} is ${isInside ? '' : 'not '}in ${block}`, () => {
    const [network, bits] = block.split('/') as [string, string]
    assert.equal(new IpRange({ address: network, prefixBits: Number(bits) }).has(address), isInside)
  })

test('refuses what is no range', () => {
  for (const [address, prefixBits] of [
    ['10.0.0.0', 33],
    ['::', 129],
    ['::', -1],
    ['10.0.0', 8],
    ['10.0.0.0', 1.5],
  ] as const)
    assert.throws(() => new IpRange({ address, prefixBits }), RangeError)
})
