import assert from 'node:assert/strict'
import type { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { extension, nameOf, signCertificate } from '../ca/certificate-writer.ts'
import { bitString, boolean, element, sequence } from '../der/der-writer.ts'
import {
  bundleOf,
  dayMs,
  newIntermediate,
  newKeys,
  newLeaf,
  newRoot,
  newWrongLeaf,
  signerOf,
  trustDomain,
} from '../testing/authority.ts'
import { extensionIds, purposeIds } from './certificate-extension.ts'
import { type ChainCheck, verifyPeerChain } from './peer-chain.ts'

const nowMs = Date.now()
const root = newRoot(trustDomain, nowMs)
const check: ChainCheck = {
  nowMs,
  bundleOf: (name) => (name === trustDomain ? bundleOf(root) : undefined),
}

const verdictOf = (chain: X509Certificate[], changed: Partial<ChainCheck> = {}): string => {
  const verdict = verifyPeerChain(chain, { ...check, ...changed })
  return verdict.ok ? verdict.id.path : verdict.code
}

test('a leaf of a root of its trust domain is who it says', () => {
  assert.equal(verdictOf([newLeaf(root).leaf]), '/ns/shop/sa/cart')
})

test('a leaf below an intermediate is trusted by the root alone, in whatever order the chain comes', () => {
  const outer = newIntermediate(root, 1)
  const inner = newIntermediate(outer, 0)
  const { leaf } = newLeaf(inner)
  assert.equal(verdictOf([leaf, inner.certificate, outer.certificate]), 'chain_too_long', 'the root allows one')
  assert.equal(verdictOf([newLeaf(outer).leaf, outer.certificate]), '/ns/shop/sa/cart')
  assert.equal(verdictOf([newLeaf(outer).leaf, root.certificate, outer.certificate]), '/ns/shop/sa/cart')
})

const stranger = newRoot(trustDomain, nowMs)
const withdrawn = newRoot(trustDomain, nowMs)

const wrong: [string, string, () => X509Certificate[]][] = [
  ['an expired leaf', 'expired', () => [newWrongLeaf(root, { notAfterMs: nowMs - 1000 })]],
  [
    'a leaf of tomorrow',
    'not_yet_valid',
    () => [newWrongLeaf(root, { notBeforeMs: nowMs + dayMs, notAfterMs: nowMs + 2 * dayMs })],
  ],
  [
    'a leaf of another trust domain',
    'wrong_trust_domain',
    () => [newLeaf(root, { id: 'spiffe://evil.example/ns/shop/sa/cart' }).leaf],
  ],
  ['a leaf whose key may sign certificates', 'wrong_usage', () => [newWrongLeaf(root, { usage: 0x84 })]],
  ['a leaf whose key may sign revocation lists', 'wrong_usage', () => [newWrongLeaf(root, { usage: 0x82 })]],
  ['a leaf whose key may not sign', 'wrong_usage', () => [newWrongLeaf(root, { usage: 0x20 })]],
  ['a leaf that is a signing certificate', 'wrong_usage', () => [newWrongLeaf(root, { isCa: true })]],
  ['a leaf for servers alone', 'wrong_usage', () => [newWrongLeaf(root, { purposes: [purposeIds.serverAuth] })]],
  ['a leaf for clients alone', 'wrong_usage', () => [newWrongLeaf(root, { purposes: [purposeIds.clientAuth] })]],
  [
    'a leaf of two names',
    'wrong_names',
    () => [
      newWrongLeaf(root, {
        uris: [`spiffe://${trustDomain}/ns/shop/sa/cart`, `spiffe://${trustDomain}/ns/shop/sa/admin`],
      }),
    ],
  ],
  ['a leaf without a name', 'wrong_names', () => [newWrongLeaf(root, { uris: [] })]],
  [
    'a leaf whose name is no SPIFFE id',
    'wrong_names',
    () => [newWrongLeaf(root, { uris: [`https://${trustDomain}/ns/shop/sa/cart`] })],
  ],
  [
    'a leaf named like a whole trust domain',
    'wrong_names',
    () => [newWrongLeaf(root, { uris: [`spiffe://${trustDomain}`] })],
  ],
  ['a leaf of a stranger who signs himself', 'unknown_issuer', () => [newLeaf(stranger).leaf]],
  ['a stranger who brings his root along', 'unknown_issuer', () => [newLeaf(stranger).leaf, stranger.certificate]],
  [
    'a stolen leaf after its root was withdrawn',
    'unknown_issuer',
    () => [newLeaf(withdrawn).leaf, withdrawn.certificate],
  ],
  [
    'a leaf signed by a leaf',
    'unknown_issuer',
    () => {
      const thief = newLeaf(root)
      const authority = { certificate: thief.leaf, key: thief.key, intermediates: [], root: root.root }
      return [newLeaf(authority).leaf, thief.leaf]
    },
  ],
  [
    'a chain of many',
    'chain_too_long',
    () => {
      const chain = [newIntermediate(root)]
      for (let i = 0; i < 6; i++) chain.unshift(newIntermediate(chain[0]!))
      return [newLeaf(chain[0]!).leaf, ...chain.map(({ certificate }) => certificate)]
    },
  ],
  ['no certificate at all', 'malformed', () => []],
]

for (const [what, code, make] of wrong) test(`${what} is refused`, () => assert.equal(verdictOf(make()), code))

test('a leaf outlives no root: an expired one vouches for nobody', () => {
  const { leaf } = newLeaf(root, { nowMs: nowMs + 11 * 365 * dayMs, lifeMs: dayMs })
  assert.equal(verdictOf([leaf], { nowMs: nowMs + 11 * 365 * dayMs }), 'expired')
})

test('a revoked leaf is refused', () => {
  const { leaf } = newLeaf(root)
  assert.equal(verdictOf([leaf], { isRevoked: (one) => one.serialNumber === leaf.serialNumber }), 'revoked')
  assert.equal(
    verdictOf([newLeaf(root).leaf], { isRevoked: (one) => one.serialNumber === leaf.serialNumber }),
    '/ns/shop/sa/cart',
  )
})

for (const [host, isAllowed] of [
  ['cluster.local', true],
  ['.local', true],
  ['other.example', false],
] as const) {
  test(`an intermediate for ${host} ${isAllowed ? 'vouches' : 'does not vouch'} for ${trustDomain}`, () => {
    const { publicKey, privateKey: key } = newKeys()
    const subtrees = sequence(element(0xa0, sequence(element(0x86, Buffer.from(host)))))
    const certificate = signCertificate(
      { publicKey, subject: nameOf('constrained'), notBeforeMs: nowMs - dayMs, notAfterMs: nowMs + dayMs },
      [
        extension(extensionIds.basicConstraints, sequence(boolean(true)), true),
        extension(extensionIds.keyUsage, bitString(Buffer.of(0x04), 2), true),
        extension(extensionIds.nameConstraints, subtrees, true),
      ],
      signerOf(root),
    )
    const authority = { certificate, key, intermediates: [certificate], root: root.root }
    assert.equal(
      verdictOf([newLeaf(authority).leaf, certificate]),
      isAllowed ? '/ns/shop/sa/cart' : 'wrong_trust_domain',
    )
  })
}
