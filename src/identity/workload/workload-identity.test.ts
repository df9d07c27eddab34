import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { Backoff } from '#/std/backoff.ts'
import { ManualClock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { seededRandom } from '#/std/random.ts'
import { readCertificateRequest } from '../ca/certificate-request.ts'
import { issueLeaf, type SigningAuthority } from '../ca/signing-authority.ts'
import { formatCertificates } from '../spiffe/trust-bundle.ts'
import { idOf, newRoot, trustDomain } from '../testing/authority.ts'
import { type CertificateCall, CertificateRefusal } from './certificate-client.ts'
import { WorkloadIdentity } from './workload-identity.ts'

const lifeMs = 3_600_000

/** A workload whose clock and authority a test steers. */
class SteeredWorkload {
  readonly clock = new ManualClock(Date.now())
  readonly log: string[] = []
  /** By what each call proved itself, and a short form of its key. */
  readonly calls: { proof: string; key: string }[] = []
  identity: WorkloadIdentity
  readonly tokenFile: string
  readonly keptFile: string
  readonly #bundleFile: string
  authority = newRoot(trustDomain, this.clock.wallMs())
  refuseWith: number | undefined
  id = `spiffe://${trustDomain}/ns/shop/sa/cart`

  constructor(t: TestContext) {
    const folder = mkdtempSync(join(tmpdir(), 'weft-workload-'))
    this.tokenFile = join(folder, 'token')
    this.keptFile = join(folder, 'leaf.pem')
    this.#bundleFile = join(folder, 'bundle.pem')
    writeFileSync(this.tokenFile, 'first\n')
    writeFileSync(this.#bundleFile, formatCertificates([this.authority.root]))
    this.identity = this.#newIdentity()
    t.after(() => {
      this.identity.stop()
      rmSync(folder, { recursive: true })
    })
  }

  /** As another process that takes its place. */
  restart(): Promise<void> {
    this.identity.stop()
    this.identity = this.#newIdentity()
    return this.start()
  }

  #newIdentity(): WorkloadIdentity {
    const random = seededRandom(1)
    return new WorkloadIdentity({
      addresses: [{ host: 'control', port: 15_012 }],
      trustDomain,
      tokenFile: this.tokenFile,
      bundleFile: this.#bundleFile,
      keptFile: this.keptFile,
      pollMs: 1000,
      ask: (call) => this.#answer(call),
      backoff: new Backoff({ initialMs: 1000, maxMs: 1000, random }),
      clock: this.clock,
      random,
      log: new Log({ component: 'proxy', sink: { write: (line) => void this.log.push(line) } }),
    })
  }

  /** The file of the roots, as another process finds it. */
  trust(authority: SigningAuthority): void {
    writeFileSync(this.#bundleFile, formatCertificates([authority.root]))
  }

  get proofs(): string[] {
    return this.calls.map(({ proof }) => proof)
  }

  start(): Promise<void> {
    this.identity.start()
    return this.settle()
  }

  /** Until the attempt under way is over. */
  async settle(): Promise<void> {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setTimeout(resolve, 5))
  }

  async advance(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 30_000) this.clock.advance(Math.min(30_000, left))
    await this.settle()
  }

  async #answer({ request, token }: CertificateCall): Promise<string[]> {
    const { publicKey } = readCertificateRequest(request)
    const key = createHash('sha1').update(request).digest('hex').slice(0, 8)
    this.calls.push({ proof: token ?? 'leaf', key })
    if (this.refuseWith !== undefined) throw new CertificateRefusal({ code: this.refuseWith, message: 'no' })
    return issueLeaf(this.authority, { publicKey, id: idOf(this.id), lifeMs, nowMs: this.clock.wallMs() }).chain
  }
}

const rootsOf = (...authorities: SigningAuthority[]): string => formatCertificates(authorities.map(({ root }) => root))

test('the first leaf is asked for by token, the next by leaf, at half of its life and not before', async (t) => {
  const steered = new SteeredWorkload(t)
  await steered.start()
  await steered.advance(lifeMs * 0.44)
  assert.deepEqual(steered.proofs, ['first'])
  await steered.advance(lifeMs * 0.12)
  assert.deepEqual(steered.proofs, ['first', 'leaf'])
  assert.notEqual(steered.calls[0]!.key, steered.calls[1]!.key)
})

test('a fresh token goes before the leaf', async (t) => {
  const steered = new SteeredWorkload(t)
  await steered.start()
  writeFileSync(steered.tokenFile, 'second')
  await steered.advance(lifeMs * 0.56)
  assert.deepEqual(steered.proofs, ['first', 'second'])
})

test('what is refused by one proof is tried by the other, in turn, and the leaf stays in use', async (t) => {
  const steered = new SteeredWorkload(t)
  await steered.start()
  const svid = steered.identity.svid.value
  steered.refuseWith = 16
  await steered.advance(lifeMs * 0.56)
  for (let i = 0; i < 3; i++) await steered.advance(1000)
  assert.deepEqual(steered.proofs, ['first', 'leaf', 'first', 'leaf', 'first'])
  assert.equal(steered.identity.svid.value, svid)
  assert.equal(steered.identity.isUnreachable, false)
  steered.refuseWith = undefined
  await steered.advance(1000)
  assert.notEqual(steered.identity.svid.value, svid)
  assert.equal(steered.identity.reason, '')
})

test('the key stays the same until it is granted', async (t) => {
  const steered = new SteeredWorkload(t)
  steered.refuseWith = 14
  await steered.start()
  assert.equal(steered.identity.isUnreachable, true)
  await steered.advance(1000)
  steered.refuseWith = undefined
  await steered.advance(1000)
  assert.equal(new Set(steered.calls.map(({ key }) => key)).size, 1)
  assert.deepEqual(steered.proofs, ['first', 'first', 'first'])
  assert.ok(steered.identity.svid.value)
})

for (const [what, spoil] of [
  ['of a root that is not trusted', (one: SteeredWorkload) => (one.authority = newRoot(trustDomain, Date.now()))],
  ['of another trust domain', (one: SteeredWorkload) => (one.id = 'spiffe://evil.example/ns/shop/sa/cart')],
] as const) {
  test(`a leaf ${what} is not taken`, async (t) => {
    const steered = new SteeredWorkload(t)
    spoil(steered)
    await steered.start()
    assert.equal(steered.identity.svid.value, undefined)
    assert.match(steered.identity.reason, /will not do/)
  })
}

test('another signing root makes it renew within ten seconds; another trusted one does not', async (t) => {
  const steered = new SteeredWorkload(t)
  await steered.start()
  const [old, next] = [steered.authority, newRoot(trustDomain, steered.clock.wallMs())]
  steered.identity.setRoots(rootsOf(old, next))
  await steered.advance(20_000)
  assert.equal(steered.calls.length, 1)
  assert.equal(steered.identity.svid.value!.bundlePem, rootsOf(old, next))
  steered.authority = next
  steered.identity.setRoots(rootsOf(next, old))
  await steered.advance(10_000)
  assert.equal(steered.calls.length, 2)
})

test('a process that restarts while nobody answers is who it was, as long as its leaf holds', async (t) => {
  const workload = new SteeredWorkload(t)
  await workload.start()
  const before = workload.identity.svid.value!
  assert.equal(statSync(workload.keptFile).mode & 0o777, 0o600)
  workload.refuseWith = 14
  await workload.restart()
  const after = workload.identity.svid.value!
  assert.equal(after.certificateChainPem, before.certificateChainPem)
  assert.ok(after.privateKey.equals(before.privateKey))
  await workload.advance(lifeMs + 60_000)
  await workload.restart()
  assert.equal(workload.identity.svid.value, undefined, 'it has expired')
  assert.equal(existsSync(workload.keptFile), false)
  assert.match(workload.log.join(''), /the leaf of the last run will not do/)
})

test('a kept leaf that is damaged, or of a root that is no more, is forgotten', async (t) => {
  const workload = new SteeredWorkload(t)
  await workload.start()
  workload.refuseWith = 14
  writeFileSync(workload.keptFile, 'no key and no certificate')
  await workload.restart()
  assert.equal(workload.identity.svid.value, undefined)
  workload.refuseWith = undefined
  await workload.advance(2000)
  assert.ok(workload.identity.svid.value, 'a fresh one was granted')
  workload.refuseWith = 14
  workload.trust(newRoot(trustDomain, workload.clock.wallMs()))
  await workload.restart()
  assert.equal(workload.identity.svid.value, undefined, 'its root is no more')
})

test('broken roots change nothing', async (t) => {
  const steered = new SteeredWorkload(t)
  await steered.start()
  const svid = steered.identity.svid.value
  for (const pem of ['', 'hello', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'])
    steered.identity.setRoots(pem)
  assert.equal(steered.identity.svid.value, svid)
})

test('a machine that slept through its leaf renews when it wakes, not half a life later', async (t) => {
  const steered = new SteeredWorkload(t)
  await steered.start()
  writeFileSync(steered.tokenFile, 'second')
  // Timers stand still in sleep: one step is all that passes for them.
  const wallMs = steered.clock.wallMs.bind(steered.clock)
  steered.clock.wallMs = () => wallMs() + 10 * lifeMs
  await steered.advance(30_000)
  assert.deepEqual(steered.proofs, ['first', 'second'])
})
