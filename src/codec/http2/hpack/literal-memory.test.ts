import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '#/std/random.ts'
import { HpackDecoder } from './decoder.ts'
import { LiteralMemory, literalBytesMax } from './literal-memory.ts'

test('gives a text back for the same bytes and for no others', () => {
  const seed = 20261123
  const random = seededRandom(seed)
  const memory = new LiteralMemory()
  const texts = Array.from({ length: 3000 }, (_, i) => `/item/${i}/${'x'.repeat(Math.floor(random() * 40))}`)
  let found = 0
  for (let round = 0; round < 20_000; round++) {
    const text = texts[Math.floor(random() * texts.length)]!
    const bytes = Buffer.from(`..${text}..`)
    const place = memory.placeOf(bytes, 2, bytes.length - 2)
    const known = memory.find(place, bytes, 2, bytes.length - 2, false)
    if (known === undefined) memory.keep(place, bytes, 2, bytes.length - 2, false, text)
    else {
      found++
      assert.equal(known, text, `seed ${seed}`)
    }
  }
  assert.ok(found > 1000, `found ${found} of 20000`)
})

test('tells bytes in Huffman code from the same bytes in plain text', () => {
  const memory = new LiteralMemory()
  const bytes = Buffer.from('abcdef')
  const place = memory.placeOf(bytes, 0, 6)
  memory.keep(place, bytes, 0, 6, true, 'decoded')
  assert.equal(memory.find(place, bytes, 0, 6, false), undefined)
  assert.equal(memory.find(place, bytes, 0, 6, true), 'decoded')
})

test('keeps neither long values nor empty ones', () => {
  const memory = new LiteralMemory()
  assert.equal(memory.placeOf(Buffer.alloc(literalBytesMax + 1, 'a'), 0, literalBytesMax + 1), -1)
  assert.equal(memory.placeOf(Buffer.from('a'), 1, 1), -1)
})

test('a malformed value is malformed each time, and a good one good after it', () => {
  const decoder = new HpackDecoder({ tableBytesMax: 4096, listBytesMax: 65_536 })
  const literal = (value: string) => Buffer.concat([Buffer.from([0x00, 0x01, 0x61, value.length]), Buffer.from(value)])
  for (let i = 0; i < 3; i++) {
    decoder.decode(literal('bad\u0001value'))
    assert.match(decoder.malformed, /control character/)
    assert.deepEqual(decoder.decode(literal('good value')), ['a', 'good value'])
    assert.equal(decoder.malformed, '')
  }
})
