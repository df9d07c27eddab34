import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bundleOf, newRoot, trustDomain } from '../testing/authority.ts'
import { formatBundleDocument, formatCertificates, parseBundleDocument, readCertificates } from './trust-bundle.ts'

const bundle = bundleOf(newRoot(trustDomain, Date.now()), newRoot(trustDomain, Date.now()))

test('a bundle comes back from its document as it was', () => {
  const read = parseBundleDocument(trustDomain, formatBundleDocument(bundle))
  assert.ok(typeof read === 'object', String(read))
  assert.equal(formatCertificates(read.roots), formatCertificates(bundle.roots))
  assert.deepEqual([read.sequence, read.refreshHintMs], [bundle.sequence, bundle.refreshHintMs])
})

test('a document has what the standard asks of an entry, and no kid', () => {
  const { keys } = JSON.parse(formatBundleDocument(bundle)) as { keys: Record<string, unknown>[] }
  assert.deepEqual(Object.keys(keys[0]!), ['use', 'kty', 'crv', 'x', 'y', 'x5c'])
  assert.equal((keys[0]!.x5c as string[]).length, 1)
})

test('PEM comes back as it was, with text between the blocks and other line ends', () => {
  const pem = formatCertificates(bundle.roots)
  const read = readCertificates(`# roots\n${pem.replaceAll('\n', '\r\n')}the end`)
  assert.equal(formatCertificates(read), pem)
  assert.throws(() => readCertificates(pem.replace('-----END', '----END')), /holds? no|without its end|no base64/)
})

test('entries of other uses, without a certificate, or with more than one count as the standard says', () => {
  const document = JSON.parse(formatBundleDocument(bundle)) as { keys: Record<string, unknown>[] }
  const [first, second] = document.keys as [Record<string, unknown>, Record<string, unknown>]
  const keys = [
    { ...first, use: 'jwt-svid' },
    { ...first, x5c: [] },
    { ...first, kty: undefined },
    null,
    { ...first, x5c: [(first.x5c as string[])[0], (second.x5c as string[])[0]] },
  ]
  const read = parseBundleDocument(trustDomain, JSON.stringify({ keys }))
  assert.ok(typeof read === 'object', String(read))
  assert.deepEqual(
    read.roots.map(({ serialNumber }) => serialNumber),
    [bundle.roots[0]!.serialNumber],
  )
})

for (const [what, text] of [
  ['no JSON', '{'],
  ['no list', '{"keys":{}}'],
  ['null', 'null'],
  ['a certificate that is none', '{"keys":[{"use":"x509-svid","kty":"EC","x5c":["MAA="]}]}'],
  ['base64 of something else', '{"keys":[{"use":"x509-svid","kty":"EC","x5c":["aGVsbG8="]}]}'],
  ['a giant', `{"keys":[${' '.repeat(1_048_576)}]}`],
] as const) {
  test(`${what} is no bundle document`, () => assert.equal(typeof parseBundleDocument(trustDomain, text), 'string'))
}
