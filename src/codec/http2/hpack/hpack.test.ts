import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '#/std/random.ts'
import { HpackDecoder, HpackFault } from './decoder.ts'
import { encodeHeaderBlock } from './encoder.ts'
import { huffmanCodes } from './huffman.ts'

const newDecoder = (tableBytesMax = 4096): HpackDecoder => new HpackDecoder({ tableBytesMax, listBytesMax: 65_536 })
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex')

test('decodes the requests of RFC 7541 C.3 (no Huffman) on one dynamic table', () => {
  const decoder = newDecoder()
  assert.deepEqual(decoder.decode(hex('828684410f7777772e6578616d706c652e636f6d')), [
    ':method',
    'GET',
    ':scheme',
    'http',
    ':path',
    '/',
    ':authority',
    'www.example.com',
  ])
  assert.deepEqual(decoder.decode(hex('828684be58086e6f2d6361636865')).slice(6), [
    ':authority',
    'www.example.com',
    'cache-control',
    'no-cache',
  ])
  assert.deepEqual(decoder.decode(hex('828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565')).slice(6), [
    ':authority',
    'www.example.com',
    'custom-key',
    'custom-value',
  ])
})

test('decodes the requests of RFC 7541 C.4 (Huffman)', () => {
  const decoder = newDecoder()
  assert.deepEqual(decoder.decode(hex('828684418cf1e3c2e5f23a6ba0ab90f4ff')).slice(6), [
    ':authority',
    'www.example.com',
  ])
  assert.deepEqual(decoder.decode(hex('828684be5886a8eb10649cbf')).slice(8), ['cache-control', 'no-cache'])
  assert.deepEqual(decoder.decode(hex('828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf')).slice(8), [
    'custom-key',
    'custom-value',
  ])
})

test('decodes the responses of RFC 7541 C.6 with evictions from a table of 256 bytes', () => {
  const decoder = newDecoder(256)
  const first = decoder.decode(
    hex('488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3'),
  )
  assert.deepEqual(first, [
    ':status',
    '302',
    'cache-control',
    'private',
    'date',
    'Mon, 21 Oct 2013 20:13:21 GMT',
    'location',
    'https://www.example.com',
  ])
  assert.deepEqual(decoder.decode(hex('4883640effc1c0bf')).slice(0, 2), [':status', '307'])
  const third = decoder.decode(
    hex(
      '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
    ),
  )
  assert.equal(third.at(-1), 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1')
})

test('the Huffman code has the codes of RFC 7541 appendix B', () => {
  const codes = huffmanCodes()
  assert.deepEqual(codes['0'.charCodeAt(0)], { code: 0, length: 5 })
  assert.deepEqual(codes['~'.charCodeAt(0)], { code: 0x1ffd, length: 13 })
  assert.deepEqual(codes[256], { code: 0x3fffffff, length: 30 })
})

test('decodes what it encodes', () => {
  const list = [':method', 'POST', ':path', '/a', 'te', 'trailers', 'x-long', 'v'.repeat(400)]
  assert.deepEqual(newDecoder().decode(encodeHeaderBlock(list)), list)
})

for (const [claim, bytes] of [
  ['index 0', '80'],
  ['an index beyond the tables', 'ff00'],
  ['an endless integer', 'ffffffffffffff'],
  ['a string cut short', '400a6162'],
  ['a size update behind a field', '8220'],
  ['a table larger than allowed', '3fe2ff03'],
  ['Huffman padding of zeros', '408141f8008161'],
] as const) {
  test(`refuses ${claim}`, () => assert.throws(() => newDecoder().decode(hex(bytes)), HpackFault))
}

test('random bytes give a list or an HpackFault, nothing else', () => {
  const seed = 11
  const random = seededRandom(seed)
  for (let i = 0; i < 20_000; i++) {
    const block = Buffer.from(Array.from({ length: 1 + Math.floor(random() * 40) }, () => Math.floor(random() * 256)))
    try {
      newDecoder().decode(block)
    } catch (error) {
      assert.ok(error instanceof HpackFault, `seed ${seed} round ${i} block ${block.toString('hex')}: ${String(error)}`)
    }
  }
})
