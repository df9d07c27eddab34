import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pickIndex, seededRandom } from '#/std/random.ts'
import { RequestFault, readCertificateRequest } from '../ca/certificate-request.ts'
import { newKeyRequest } from '../workload/key-request.ts'
import {
  DerFault,
  readBitString,
  readElements,
  readOid,
  readOnly,
  readPemBlocks,
  readSequence,
  readTime,
} from './der-reader.ts'
import { element, formatPem, integer, oid, sequence, tags, time } from './der-writer.ts'

const broken: [string, string][] = [
  ['an indefinite length', '30800000'],
  ['a long form for a short length', '3081020500'],
  ['a length with a leading zero', `30820080${'00'.repeat(128)}`],
  ['a length of four octets', '3084000000020500'],
  ['a length behind the end', '3003020100ff'.slice(0, 8)],
  ['a tag without length', '30'],
  ['a length that is cut off', '3082'],
  ['a tag of several octets', '1f810100'],
]
for (const [what, hex] of broken)
  test(`${what} is refused`, () => assert.throws(() => readElements(Buffer.from(hex, 'hex')), DerFault))

test('what stands behind the only element is refused', () => {
  assert.throws(() => readOnly(Buffer.from('05000500', 'hex'), tags.null), DerFault)
  assert.throws(() => readOnly(Buffer.alloc(0), tags.null), DerFault)
})

for (const text of ['1.2.840.10045.4.3.2', '2.5.29.17', '0.9.2342', '2.999.1', '1.3.6.1.5.5.7.3.1']) {
  test(`${text} comes back as it was`, () => assert.equal(readOid(readElements(oid(text))[0]), text))
}

for (const hex of ['0600', '060180', '06022a80', '0603802a01']) {
  test(`${hex} is no object identifier`, () =>
    assert.throws(() => readOid(readElements(Buffer.from(hex, 'hex'))[0]), DerFault))
}

test('times come back to the second, across the change of their form in 2050', () => {
  for (const text of ['1970-01-01T00:00:00Z', '2026-11-23T16:00:00Z', '2049-12-31T23:59:59Z', '2050-01-01T00:00:00Z']) {
    const ms = Date.parse(text)
    assert.equal(readTime(readElements(time(ms))[0]), ms)
  }
  for (const text of ['2611231600Z', '261123160000+0100', '261332160000Z'])
    assert.throws(() => readTime({ tag: tags.utcTime, content: Buffer.from(text), whole: Buffer.alloc(0) }), DerFault)
})

test('numbers are never negative and have no padding', () => {
  assert.equal(integer(Buffer.from('00007f', 'hex')).toString('hex'), '02017f')
  assert.equal(integer(Buffer.from('80', 'hex')).toString('hex'), '02020080')
})

test('lengths around the limits of their forms come back', () => {
  for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536])
    assert.equal(
      readSequence(readOnly(sequence(element(tags.octetString, Buffer.alloc(length))), tags.sequence))[0]!.content
        .length,
      length,
    )
})

test('a bit string with unused bits is read only where it may have them', () => {
  const [bits] = readElements(Buffer.from('03020640', 'hex'))
  assert.throws(() => readBitString(bits), DerFault)
  assert.deepEqual([...readBitString(bits, true)], [0x40])
})

test('PEM blocks of other labels are left alone', () => {
  const text = formatPem('PRIVATE KEY', Buffer.from('secret')) + formatPem('CERTIFICATE', Buffer.from('shown'))
  assert.deepEqual(readPemBlocks('CERTIFICATE', text).map(String), ['shown'])
})

test('a request with any octet changed is refused and never ends the process', async () => {
  const seed = Date.now() % 1_000_000
  const random = seededRandom(seed)
  const [der] = readPemBlocks('CERTIFICATE REQUEST', (await newKeyRequest()).request)
  for (let i = 0; i < 300; i++) {
    const changed = Buffer.from(der!)
    const at = pickIndex(random, changed.length)
    changed[at] = changed[at]! ^ (1 + pickIndex(random, 255))
    const cut = i % 3 === 0 ? changed.subarray(0, pickIndex(random, changed.length)) : changed
    assert.throws(
      () => readCertificateRequest(formatPem('CERTIFICATE REQUEST', cut)),
      RequestFault,
      `seed ${seed}, round ${i}`,
    )
  }
})
