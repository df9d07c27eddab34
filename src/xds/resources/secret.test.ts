import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { SecretSchema } from '#/xds/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts'
import { decoders } from './decode/decoders.ts'
import { encodeSecret } from './encode/secret.ts'

test('roots come back as they were', () => {
  const secret = { name: 'ROOTCA', trustedCaPem: '-----BEGIN CERTIFICATE-----\n' }
  assert.deepEqual(decoders.secret(encodeSecret(secret)), { ok: true, value: secret })
})

test('roots of other trust domains come back, each with its domain', () => {
  const others = [{ trustDomain: 'other.example', pem: 'other root' }]
  const secret = { name: 'ROOTCA', trustedCaPem: 'own root', federation: { trustDomain: 'cluster.local', others } }
  assert.deepEqual(decoders.secret(encodeSecret(secret)), { ok: true, value: secret })
})

for (const isOfLeavesAlone of [false, true])
  test(`lists of revoked certificates come back, for ${isOfLeavesAlone ? 'leaves alone' : 'whole chains'}`, () => {
    const revocations = { pem: '-----BEGIN X509 CRL-----\n', isOfLeavesAlone }
    const secret = { name: 'ROOTCA', trustedCaPem: 'own root', revocations }
    assert.deepEqual(decoders.secret(encodeSecret(secret)), { ok: true, value: secret })
  })

const refused: [string, Parameters<typeof create<typeof SecretSchema>>[1]][] = [
  [
    'a private key',
    {
      name: 'default',
      type: { case: 'tlsCertificate', value: { privateKey: { specifier: { case: 'inlineString', value: 'k' } } } },
    },
  ],
  [
    'roots in a file of another machine',
    {
      name: 'ROOTCA',
      type: { case: 'validationContext', value: { trustedCa: { specifier: { case: 'filename', value: '/x' } } } },
    },
  ],
  ['no roots', { name: 'ROOTCA', type: { case: 'validationContext', value: {} } }],
  [
    'no name',
    { type: { case: 'validationContext', value: { trustedCa: { specifier: { case: 'inlineString', value: 'x' } } } } },
  ],
]
for (const [what, init] of refused) {
  test(`a secret with ${what} is refused`, () => {
    const decoded = decoders.secret(toBinary(SecretSchema, create(SecretSchema, init)))
    assert.equal(decoded.ok, false, JSON.stringify(decoded))
  })
}
