import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { formatCertificates } from '../spiffe/trust-bundle.ts'
import { dayMs, newIntermediate, newKeys, newLeaf, newRoot, trustDomain } from '../testing/authority.ts'
import { type AuthorityFiles, readPluggedAuthority } from './plugged-authority.ts'
import type { SigningAuthority } from './signing-authority.ts'

const nowMs = Date.now()
const root = newRoot(trustDomain, nowMs)
const authority = newIntermediate(root)

function write(
  t: TestContext,
  { certificate, key, intermediates }: SigningAuthority,
  roots = [root.root],
): AuthorityFiles {
  const folder = mkdtempSync(join(tmpdir(), 'weft-authority-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const files = { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key'), roots: join(folder, 'ca.crt') }
  writeFileSync(files.certificate, formatCertificates(intermediates.length > 0 ? intermediates : [certificate]))
  writeFileSync(files.key, key.export({ type: 'pkcs8', format: 'pem' }))
  writeFileSync(files.roots, formatCertificates(roots))
  return files
}

test('an intermediate signs, and its root comes first among those that are trusted', (t) => {
  const other = newRoot(trustDomain, nowMs)
  const plugged = readPluggedAuthority(write(t, authority, [other.root, root.root]), nowMs)
  assert.ok(plugged.authority.root.raw.equals(root.root.raw))
  assert.equal(plugged.roots[0], plugged.authority.root)
  assert.equal(plugged.roots.length, 2)
})

test('a root may sign itself', (t) => {
  assert.deepEqual(readPluggedAuthority(write(t, root), nowMs).authority.intermediates, [])
})

const leaf = newLeaf(root)
const refused: [string, SigningAuthority, RegExp][] = [
  ['a key of another certificate', { ...authority, key: newKeys().privateKey }, /tls\.key is not the key of/],
  [
    'a certificate that may not sign',
    { certificate: leaf.leaf, key: leaf.key, intermediates: [leaf.leaf], root: root.root },
    /may not sign/,
  ],
  ['a chain that is longer than its root allows', newIntermediate(newIntermediate(root, 1)), /allows 1 signing/],
  ['a chain that leads elsewhere', newIntermediate(newRoot(trustDomain, nowMs)), /does not lead to a root/],
  ['a signing certificate that has expired', newIntermediate(root, 0, nowMs - 3 * dayMs), /is valid from/],
]
for (const [what, one, pattern] of refused)
  test(`${what} is refused, and the file is named`, (t) =>
    assert.throws(() => readPluggedAuthority(write(t, one), nowMs), pattern))

test('a file that is missing or holds something else is named, without what stands in it', (t) => {
  const files = write(t, authority)
  writeFileSync(files.key, 'SECRET SECRET')
  assert.throws(
    () => readPluggedAuthority(files, nowMs),
    ({ message }: Error) => message.includes(files.key) && !message.includes('SECRET'),
  )
  rmSync(files.roots)
  assert.throws(() => readPluggedAuthority(files, nowMs), /ca\.crt can not be read/)
})
