import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { ManualClock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { subjectOf } from '../der/certificate-name.ts'
import { verifyPeerChain } from '../spiffe/peer-chain.ts'
import { formatCertificates, readCertificates, type TrustBundle } from '../spiffe/trust-bundle.ts'
import {
  dayMs,
  idOf,
  newIntermediate,
  newKeys,
  newLeaf,
  newRoot,
  revocationList,
  trustDomain,
} from '../testing/authority.ts'
import { Authority, type AuthorityOptions, RotationRefusal } from './authority.ts'
import type { SigningAuthority } from './signing-authority.ts'

const done = { unacknowledged: [], oldLeaves: [] }
const id = idOf(`spiffe://${trustDomain}/ns/shop/sa/cart`)

interface Steered {
  folder: string
  clock: ManualClock
  log: string[]
  open: (changed?: Partial<AuthorityOptions>) => Authority
}

function steer(t: TestContext): Steered {
  const folder = mkdtempSync(join(tmpdir(), 'weft-authority-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const clock = new ManualClock(Date.now())
  const log: string[] = []
  const sink = { write: (line: string) => void log.push(line) }
  const open = (changed: Partial<AuthorityOptions> = {}): Authority => {
    const authority = new Authority({
      trustDomain,
      source: { type: 'own', folder: join(folder, 'ca') },
      leafLifeMs: dayMs,
      clock,
      log: new Log({ component: 'control', sink }),
      ...changed,
    })
    t.after(() => authority.stop())
    return authority
  }
  return { folder, clock, log, open }
}

const verdict = (chain: string[], bundle: TrustBundle, nowMs: number): string => {
  const outcome = verifyPeerChain(readCertificates(chain.join('')), { nowMs, bundleOf: () => bundle })
  return outcome.ok ? outcome.id.path : outcome.code
}

test('roots are made once, kept, and readable to nobody else', (t) => {
  const { folder, open } = steer(t)
  const first = formatCertificates(open().presentBundle.roots)
  assert.equal(formatCertificates(open().presentBundle.roots), first)
  for (const name of readdirSync(join(folder, 'ca')))
    assert.equal(statSync(join(folder, 'ca', name)).mode & 0o777, 0o600, name)
})

test('a damaged store is no reason to make another root', (t) => {
  const { folder, open } = steer(t)
  open()
  writeFileSync(join(folder, 'ca', 'authority.json'), '{')
  assert.throws(() => open(), SyntaxError)
})

test('a leaf lives as long as the setting says, a day at most, and shorter on request', (t) => {
  const { clock, open } = steer(t)
  const { publicKey } = newKeys()
  const lifeOf = (leafLifeMs: number, lifeMs?: number): number => {
    const issued = open({ leafLifeMs }).issue({ publicKey, id, ...(lifeMs ? { lifeMs } : {}) })
    const span = issued.leaf.validToDate.getTime() - issued.leaf.validFromDate.getTime()
    assert.ok(span <= dayMs, `${span} ms`)
    return Math.floor((issued.expiresMs - clock.wallMs()) / 1000) * 1000
  }
  assert.deepEqual([lifeOf(3_600_000), lifeOf(10 * dayMs), lifeOf(dayMs, 20_000)], [3_600_000, dayMs - 61_000, 20_000])
})

test('through a whole rotation every leaf is trusted by the bundle of its time and by those of the steps beside it', (t) => {
  const { clock, open } = steer(t)
  const authority = open()
  const steps: { bundle: TrustBundle; chain: string[] }[] = []
  const note = (): void => {
    steps.push({
      bundle: authority.presentBundle,
      chain: authority.issue({ publicKey: newKeys().publicKey, id }).chain,
    })
  }
  note()
  authority.beginRotation()
  note()
  for (let i = 0; i < 3; i++) {
    authority.advanceRotation(done)
    note()
  }
  for (const [i, { chain }] of steps.entries())
    for (const j of [i - 1, i, i + 1])
      if (steps[j])
        assert.equal(verdict(chain, steps[j].bundle, clock.wallMs()), '/ns/shop/sa/cart', `leaf ${i}, bundle ${j}`)
  assert.equal(
    verdict(steps[0]!.chain, steps[4]!.bundle, clock.wallMs()),
    'unknown_issuer',
    'the old root is withdrawn',
  )
  assert.deepEqual(
    steps.map(({ bundle }) => bundle.sequence),
    [1, 2, 3, 4, 4],
  )
})

test('a rotation goes on where it stood when the control plane starts again', (t) => {
  const { folder, open } = steer(t)
  open().beginRotation()
  const again = open()
  assert.equal(again.rotation?.phase, 'spreading')
  assert.equal(again.presentBundle.roots.length, 2)
  again.advanceRotation(done)
  again.advanceRotation(done)
  assert.equal(open().rotation?.phase, 'withdrawing')
  assert.equal(readdirSync(join(folder, 'ca')).length, 3, 'the key of the withdrawn root is gone')
})

test('a rotation that was given up leaves no trace but the number of the bundle', (t) => {
  const { open } = steer(t)
  const authority = open()
  const before = formatCertificates(authority.presentBundle.roots)
  authority.beginRotation()
  authority.abortRotation()
  assert.equal(formatCertificates(authority.presentBundle.roots), before)
  assert.equal(authority.presentBundle.sequence, 3)
})

function writeAuthority(folder: string, { key, intermediates, root }: SigningAuthority) {
  const files = { certificate: join(folder, 'tls.crt'), key: join(folder, 'tls.key'), roots: join(folder, 'ca.crt') }
  writeFileSync(files.certificate, formatCertificates(intermediates))
  writeFileSync(files.key, key.export({ type: 'pkcs8', format: 'pem' }))
  writeFileSync(files.roots, formatCertificates([root]))
  return files
}

test('plugged-in files are read again when they change; broken ones change nothing', (t) => {
  const { folder, clock, log, open } = steer(t)
  const first = newIntermediate(newRoot(trustDomain, Date.now()))
  const files = writeAuthority(folder, first)
  const authority = open({ source: { type: 'plugged', files, pollMs: 1000 } })
  const issuer = (): string => authority.signingCertificate.serialNumber
  assert.equal(issuer(), first.certificate.serialNumber)
  assert.throws(() => authority.beginRotation(), RotationRefusal)
  writeFileSync(files.key, 'rubbish')
  clock.advance(1000)
  assert.match(log.join(''), /the one before stays/)
  assert.equal(issuer(), first.certificate.serialNumber)
  const second = newIntermediate(newRoot(trustDomain, Date.now()))
  writeAuthority(folder, second)
  clock.advance(1000)
  assert.equal(issuer(), second.certificate.serialNumber)
  assert.equal(authority.presentBundle.sequence, 2)
})

test('a leaf on the revocation list of what signed it is revoked, and no other', (t) => {
  const { folder, open } = steer(t)
  const root = newRoot(trustDomain, Date.now())
  const inner = newIntermediate(root)
  const [stolen, other] = [newLeaf(inner).leaf, newLeaf(inner).leaf]
  const revocations = join(folder, 'ca.crl')
  writeFileSync(revocations, revocationList(inner, [stolen.serialNumber]))
  const authority = open({
    source: { type: 'plugged', files: writeAuthority(folder, inner), revocations, pollMs: 1000 },
  })
  assert.deepEqual(
    [stolen, other].map((leaf) => authority.isRevoked(leaf, inner.certificate)),
    [true, false],
  )
  assert.equal(authority.isRevoked(stolen, root.certificate), false, 'it is not the list of that issuer')
})

test('a revocation list of a stranger, or in the name of ours, stops the start', (t) => {
  const { folder, open } = steer(t)
  const inner = newIntermediate(newRoot(trustDomain, Date.now()))
  const stranger = newRoot(trustDomain, Date.now())
  const revocations = join(folder, 'ca.crl')
  const files = writeAuthority(folder, inner)
  writeFileSync(revocations, revocationList(stranger, []))
  assert.throws(() => open({ source: { type: 'plugged', files, revocations, pollMs: 1000 } }), /not ours/)
  writeFileSync(revocations, revocationList(stranger, [], subjectOf(inner.certificate)))
  assert.throws(() => open({ source: { type: 'plugged', files, revocations, pollMs: 1000 } }), /does not hold/)
})
