import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pickIndex, seededRandom } from '#/std/random.ts'
import { ipBytes, ipText } from './ip-bytes.ts'
import { type AddressPair, formatProxyHeader, readProxyHeader } from './proxy-header.ts'

const pair = (source: string, destination: string): AddressPair => ({
  source: { host: source, port: 56324 },
  destination: { host: destination, port: 443 },
})

const signature = '\r\n\r\n\0\r\nQUIT\n'
const binary = (rest: string): Buffer => Buffer.from(signature + rest, 'latin1')

/** What is read of a line of version 1. */
for (const [line, read] of [
  ['PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n', pair('192.0.2.1', '198.51.100.2')],
  ['PROXY TCP6 2001:DB8::1 ::1 56324 443\r\n', pair('2001:db8::1', '::1')],
  ['PROXY UNKNOWN\r\n', undefined],
  ['PROXY UNKNOWN ffff:f...f:ffff what ever 65535 65535\r\n', undefined],
] as const) {
  test(`reads ${JSON.stringify(line)}, at every cut`, () => {
    const bytes = Buffer.from(`${line}GET`)
    assert.deepEqual(readProxyHeader(bytes), { type: 'header', length: line.length, addresses: read })
    for (let end = 1; end < line.length; end++) assert.equal(readProxyHeader(bytes.subarray(0, end)).type, 'more')
  })
}

for (const line of [
  'GET / HTTP/1.1\r\n',
  'PROXY',
  'PROXY tcp4 192.0.2.1 198.51.100.2 1 2\r\n',
  'PROXY TCP4 192.0.2.1  198.51.100.2 1 2\r\n',
  'PROXY TCP4 192.0.2.1 198.51.100.2 1 2 \r\n',
  'PROXY TCP4 192.0.2.1 198.51.100.2 01 2\r\n',
  'PROXY TCP4 192.0.2.1 198.51.100.2 -1 2\r\n',
  'PROXY TCP4 192.0.2.1 198.51.100.2 65536 2\r\n',
  'PROXY TCP4 192.0.2.1 198.51.100.2 1\r\n',
  'PROXY TCP4 192.0.02.1 198.51.100.2 1 2\r\n',
  'PROXY TCP4 ::1 ::1 1 2\r\n',
  'PROXY TCP6 192.0.2.1 198.51.100.2 1 2\r\n',
  'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n',
  'PROXY UNKNOWNX\r\n',
  `PROXY UNKNOWN ${'x'.repeat(100)}\r\n`,
  `PROXY TCP4 ${'1'.repeat(200)}`,
]) {
  const isWhole = line !== 'PROXY'
  test(`${isWhole ? 'refuses' : 'waits behind'} ${JSON.stringify(line.slice(0, 60))}`, () => {
    assert.equal(readProxyHeader(Buffer.from(line)).type, isWhole ? 'no' : 'more')
  })
}

test('a line feed alone ends no line', () => {
  assert.equal(readProxyHeader(Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.2 1 2\n')).type, 'more')
})

for (const [name, rest, read] of [
  ['TCP over IPv4', '\x21\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb', pair('192.0.2.1', '198.51.100.2')],
  [
    'TCP over IPv4 with a TLV behind',
    '\x21\x11\0\x10\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb\x04\0\x01x',
    pair('192.0.2.1', '198.51.100.2'),
  ],
  ['LOCAL', '\x20\0\0\0', undefined],
  [
    'LOCAL with addresses, which count for nothing',
    '\x20\x11\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb',
    undefined,
  ],
  ['an unspecified family', '\x21\0\0\x03abc', undefined],
  ['datagrams', '\x21\x12\0\x0c\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb', undefined],
] as const) {
  test(`reads version 2: ${name}, at every cut`, () => {
    const header = binary(rest)
    const bytes = Buffer.concat([header, Buffer.from('more')])
    assert.deepEqual(readProxyHeader(bytes), { type: 'header', length: header.length, addresses: read })
    for (let end = 1; end < header.length; end++) assert.equal(readProxyHeader(bytes.subarray(0, end)).type, 'more')
  })
}

for (const [name, rest] of [
  ['a version 3', '\x31\x11\0\0'],
  ['an unknown command', '\x22\x11\0\x0c'],
  ['an unknown family', '\x21\x41\0\x0c'],
  ['an unknown transport', '\x21\x13\0\x0c'],
  ['a length too short for its addresses', '\x21\x11\0\x0b'],
  ['a length past the bound', '\x21\x11\xff\xff'],
] as const) {
  test(`refuses version 2 with ${name}`, () => {
    assert.equal(readProxyHeader(binary(rest)).type, 'no')
  })
}

test('what is written is read again', () => {
  for (const version of ['v1', 'v2'] as const) {
    for (const addresses of [pair('192.0.2.1', '198.51.100.2'), pair('2001:db8::1', '2001:db8::2'), undefined]) {
      const header = formatProxyHeader(version, addresses)
      assert.deepEqual(readProxyHeader(header), { type: 'header', length: header.length, addresses })
    }
  }
})

test('addresses of two families are told in the wider one, and mapped ones as what they are', () => {
  assert.equal(
    formatProxyHeader('v1', pair('192.0.2.1', '::1')).toString(),
    'PROXY TCP6 ::ffff:192.0.2.1 ::1 56324 443\r\n',
  )
  assert.equal(
    formatProxyHeader('v1', pair('::ffff:192.0.2.1', '198.51.100.2')).toString(),
    'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n',
  )
})

test('addresses stay the same through their bytes', () => {
  for (const address of ['0.0.0.0', '255.1.2.3', '::', '::1', '2001:db8::8:800:200c:417a', 'ff01::', '1:2:3:4:5:6:7:8'])
    assert.equal(ipText(ipBytes(address)!), address)
  assert.equal(ipText(ipBytes('fe80::1%lo')!), 'fe80::1')
  assert.equal(ipText(ipBytes('::ffff:1.2.3.4')!), '::ffff:1.2.3.4')
  assert.equal(ipBytes('reviews.shop'), undefined)
})

test('mutated headers are read as something, never thrown at', () => {
  const seed = 11
  const random = seededRandom(seed)
  const headers = [
    formatProxyHeader('v1', pair('192.0.2.1', '198.51.100.2')),
    formatProxyHeader('v2', pair('::1', '::2')),
  ]
  for (let i = 0; i < 5000; i++) {
    const bytes = Buffer.from(headers[i % 2]!)
    for (let edit = 0; edit <= pickIndex(random, 3); edit++)
      bytes[pickIndex(random, bytes.length)] = pickIndex(random, 256)
    const reading = readProxyHeader(bytes)
    assert.ok(['more', 'no', 'header'].includes(reading.type), `seed ${seed} round ${i}`)
    if (reading.type === 'header') assert.ok(reading.length <= bytes.length, `seed ${seed} round ${i}`)
  }
})
