import assert from 'node:assert/strict'
import type { KeyObject } from 'node:crypto'
import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import { bitString, element, formatPem, oid, sequence, set, smallInteger } from '../der/der-writer.ts'
import { newKeys } from '../testing/authority.ts'
import { newKeyRequest } from '../workload/key-request.ts'
import { RequestFault, readCertificateRequest } from './certificate-request.ts'
import { nameOf } from './certificate-writer.ts'

interface RequestPlan {
  keys?: { publicKey: KeyObject; privateKey: KeyObject }
  signWith?: KeyObject
  algorithm?: string
  hash?: string | null
  subject?: Buffer
  attributes?: Buffer
  version?: number
}

function requestOf(plan: RequestPlan): string {
  const {
    keys = newKeys(),
    algorithm = '1.2.840.10045.4.3.2',
    hash = 'sha256',
    subject = sequence(),
    version = 0,
  } = plan
  const spki = keys.publicKey.export({ type: 'spki', format: 'der' })
  const info = sequence(smallInteger(version), subject, spki, plan.attributes ?? element(0xa0))
  const signature = sign(hash, info, plan.signWith ?? keys.privateKey)
  return formatPem('CERTIFICATE REQUEST', sequence(info, sequence(oid(algorithm)), bitString(signature)))
}

test('a request gives its public key', async () => {
  const { request, privateKey } = await newKeyRequest()
  const { publicKey, hasWishes } = readCertificateRequest(request)
  assert.equal(hasWishes, false)
  assert.deepEqual(publicKey.export({ format: 'jwk' }).x, privateKey.export({ format: 'jwk' }).x)
})

test('the names and extensions that a request wishes for are seen, and nothing else', () => {
  const keys = newKeys()
  const attributes = element(0xa0, sequence(oid('1.2.840.113549.1.9.14'), set(sequence())))
  const read = readCertificateRequest(requestOf({ keys, subject: nameOf('admin'), attributes }))
  assert.deepEqual(Object.keys(read), ['publicKey', 'hasWishes'])
  assert.ok(read.hasWishes && read.publicKey.equals(keys.publicKey))
})

const rsa = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits })

for (const [what, plan] of [
  [
    'P-384',
    { keys: generateKeyPairSync('ec', { namedCurve: 'secp384r1' }), algorithm: '1.2.840.10045.4.3.3', hash: 'sha384' },
  ],
  ['RSA of 2048 bits', { keys: rsa(2048), algorithm: '1.2.840.113549.1.1.11' }],
] as [string, RequestPlan][]) {
  test(`a key of ${what} is taken`, () => assert.ok(readCertificateRequest(requestOf(plan)).publicKey))
}

const refused: [string, RequestPlan, RegExp][] = [
  ['signed with another key', { signWith: newKeys().privateKey }, /does not prove/],
  ['with a key of RSA that is too short', { keys: rsa(1024), algorithm: '1.2.840.113549.1.1.11' }, /rsa 1024/],
  ['with a key of another curve', { keys: generateKeyPairSync('ec', { namedCurve: 'secp256k1' }) }, /secp256k1/],
  ['with a key of Ed25519', { keys: generateKeyPairSync('ed25519'), hash: null, algorithm: '1.3.101.112' }, /ed25519/],
  ['with a signature by SHA-1', { algorithm: '1.2.840.10045.4.1', hash: 'sha1' }, /another kind/],
  ['with an algorithm of another key', { algorithm: '1.2.840.113549.1.1.11' }, /another kind/],
  ['of another version', { version: 1 }, /version/],
]
for (const [what, plan, pattern] of refused)
  test(`a request ${what} is refused`, () => assert.throws(() => readCertificateRequest(requestOf(plan)), pattern))

test('none, two, a giant or something else in place of a request is refused', () => {
  for (const pem of [
    '',
    'hello',
    requestOf({}) + requestOf({}),
    'x'.repeat(10_000),
    formatPem('CERTIFICATE REQUEST', Buffer.from('0500', 'hex')),
  ])
    assert.throws(() => readCertificateRequest(pem), RequestFault)
})
