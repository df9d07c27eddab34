/**
 * The certificate authority of a trust domain: what it trusts (watched), and the issuing of leaves. Its roots are its own, kept in a
 * folder, or plugged in from files that are looked at for changes.
 */
import type { KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Clock } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import { type Watched, WatchedValue } from '#/std/watched.ts'
import { FileWatch } from '../file/file-watch.ts'
import { isRevokedBy, type RevocationList, readRevocationLists } from '../spiffe/revocation-list.ts'
import type { SpiffeId } from '../spiffe/spiffe-id.ts'
import { isSameBundle, type TrustBundle } from '../spiffe/trust-bundle.ts'
import { type AuthorityFiles, readPluggedAuthority } from './plugged-authority.ts'
import {
  abortRotation,
  advanceRotation,
  beginRotation,
  type RootRotation,
  type RotationProgress,
  trustedRoots,
} from './root-rotation.ts'
import { type KeptRoots, RootStore, rootName } from './root-store.ts'
import { backdateMs, type IssuedLeaf, issueLeaf, newRoot, type SigningAuthority } from './signing-authority.ts'

export type AuthoritySource =
  /** Roots of our own, made at the first start and kept in `folder`. */
  | { type: 'own'; folder: string }
  /** An organisation's; `revocations` holds lists in PEM. */
  | { type: 'plugged'; files: AuthorityFiles; revocations?: string; pollMs: number }

export interface AuthorityOptions {
  trustDomain: string
  source: AuthoritySource
  /** Of a leaf, at most 24 h, ms. */
  leafLifeMs: number
  clock: Clock
  log: Log
}

/** The issue's bound: what was stolen is worth nothing a day later, ms. */
export const leafLifeMaxMs = 86_400_000
/** How often others should look for a change of the bundle, ms. */
const refreshHintMs = 60_000

export interface IssueOrder {
  publicKey: KeyObject
  id: SpiffeId
  dnsNames?: readonly string[]
  /** `POD.NAMESPACE` that it is issued to. */
  node?: string
  /** Shorter than the setting, if it is. */
  lifeMs?: number
}

/** The command can't be obeyed now; the message says why. */
export class RotationRefusal extends Error {}

export class Authority {
  readonly #options: AuthorityOptions
  readonly #bundle: WatchedValue<TrustBundle>
  readonly #store: RootStore | undefined
  readonly #watch: FileWatch | undefined
  #kept: KeptRoots | undefined
  #signing: SigningAuthority
  #revocations: readonly RevocationList[] = []
  #revocationsPem = ''

  /** @throws when what is kept is damaged, or plugged-in files do not fit together. */
  constructor(options: AuthorityOptions) {
    this.#options = options
    const { source, clock } = options
    if (source.type === 'own') {
      this.#store = new RootStore(source.folder)
      this.#kept = this.#store.load() ?? this.#firstRoot(this.#store)
      this.#signing = this.#kept.roots.get(trustedRoots(this.#kept.rotation)[0])!
      this.#bundle = new WatchedValue(this.#bundleOf(this.#kept))
      return
    }
    const { files, revocations, pollMs } = source
    const plugged = readPluggedAuthority(files, clock.wallMs())
    this.#signing = plugged.authority
    this.#revocations = this.#readRevocations(plugged.roots)
    this.#bundle = new WatchedValue(this.#pluggedBundle(plugged.roots, 1))
    const paths = [...Object.values(files), ...(revocations ? [revocations] : [])]
    this.#watch = new FileWatch({ paths, clock, intervalMs: pollMs, onChange: () => this.#readAgain(files) })
  }

  get trustDomain(): string {
    return this.#options.trustDomain
  }

  /** What is trusted, the root that signs first. */
  get bundle(): Watched<TrustBundle> {
    return this.#bundle
  }

  get presentBundle(): TrustBundle {
    return this.#bundle.value!
  }

  /** Where the replacement of the root stands; nothing for plugged-in roots, which their owner replaces. */
  get rotation(): RootRotation | undefined {
    return this.#kept?.rotation
  }

  /** The certificate that signs leaves. */
  get signingCertificate(): X509Certificate {
    return this.#signing.certificate
  }

  issue({ publicKey, id, dnsNames, node, lifeMs = leafLifeMaxMs }: IssueOrder): IssuedLeaf {
    const { leafLifeMs, clock } = this.#options
    return issueLeaf(this.#signing, {
      publicKey,
      id,
      ...(dnsNames ? { dnsNames } : {}),
      ...(node === undefined ? {} : { node }),
      // From its first moment, which lies before now, to its last.
      lifeMs: Math.min(lifeMs, leafLifeMs, leafLifeMaxMs - backdateMs - 1000),
      nowMs: clock.wallMs(),
    })
  }

  /** For those who verify peers themselves; absent without lists. `isOfLeavesAlone`: no list covers what stands above the leaves' issuer. */
  get revocations(): { pem: string; isOfLeavesAlone: boolean } | undefined {
    if (this.#revocations.length === 0) return undefined
    const issuers = [...this.#signing.intermediates, ...this.presentBundle.roots]
    const hasList = (one: X509Certificate): boolean =>
      this.#revocations.some(({ issuer }) => issuer.publicKey.equals(one.publicKey))
    return { pem: this.#revocationsPem, isOfLeavesAlone: !issuers.every(hasList) }
  }

  isRevoked(certificate: X509Certificate, issuer: X509Certificate): boolean {
    return isRevokedBy(this.#revocations, certificate, issuer)
  }

  /** Makes the next root and trusts it. @throws RotationRefusal */
  beginRotation(): RootRotation {
    const kept = this.#ownRoots()
    const { trustDomain, clock } = this.#options
    const next = newRoot(trustDomain, clock.wallMs())
    const name = rootName(next.root)
    const step = beginRotation(kept.rotation, name)
    if (!step.ok) throw new RotationRefusal(step.reason)
    return this.#enter({ ...kept, rotation: step.rotation, roots: new Map([...kept.roots, [name, next]]) })
  }

  /** Takes the next step. @throws RotationRefusal when the one before is not done. */
  advanceRotation(progress: RotationProgress): RootRotation {
    const kept = this.#ownRoots()
    const step = advanceRotation(kept.rotation, progress)
    if (!step.ok) throw new RotationRefusal(step.reason)
    return this.#enter({ ...kept, rotation: step.rotation })
  }

  /** @throws RotationRefusal once the next root signs. */
  abortRotation(): RootRotation {
    const kept = this.#ownRoots()
    const step = abortRotation(kept.rotation)
    if (!step.ok) throw new RotationRefusal(step.reason)
    return this.#enter({ ...kept, rotation: step.rotation })
  }

  stop(): void {
    this.#watch?.stop()
  }

  #ownRoots(): KeptRoots {
    if (this.#kept) return this.#kept
    throw new RotationRefusal('the roots are plugged in: replace their files, the new root beside the old one at first')
  }

  /** Kept before it is told: a restart in between finds what others may have seen. */
  #enter({ rotation, sequence, roots }: KeptRoots): RootRotation {
    const trusted = trustedRoots(rotation)
    const names = new Set<string>(trusted)
    const isTold = trustedRoots(this.#kept!.rotation).join() === trusted.join()
    const kept = {
      rotation,
      sequence: isTold ? sequence : sequence + 1,
      roots: new Map([...roots].filter(([name]) => names.has(name))),
    }
    this.#store!.save(kept)
    for (const name of roots.keys()) if (!names.has(name)) this.#store!.forget(name)
    this.#kept = kept
    this.#signing = kept.roots.get(trusted[0])!
    this.#bundle.set(this.#bundleOf(kept))
    this.#options.log.info('the rotation of the root took a step', { phase: rotation.phase, signing: trusted[0] })
    return rotation
  }

  #firstRoot(store: RootStore): KeptRoots {
    const { trustDomain, clock, log } = this.#options
    const root = newRoot(trustDomain, clock.wallMs())
    const name = rootName(root.root)
    const kept: KeptRoots = { rotation: { phase: 'stable', root: name }, sequence: 1, roots: new Map([[name, root]]) }
    store.save(kept)
    log.info('a root was made', { trustDomain, root: name })
    return kept
  }

  #bundleOf({ rotation, sequence, roots }: KeptRoots): TrustBundle {
    const trusted = trustedRoots(rotation).map((name) => roots.get(name)!.root)
    return { trustDomain: this.#options.trustDomain, roots: trusted, sequence, refreshHintMs }
  }

  #pluggedBundle(roots: readonly X509Certificate[], sequence: number): TrustBundle {
    return { trustDomain: this.#options.trustDomain, roots, sequence, refreshHintMs }
  }

  #readAgain(files: AuthorityFiles): void {
    const { clock, log } = this.#options
    try {
      const { authority, roots } = readPluggedAuthority(files, clock.wallMs())
      const revokedBefore = this.#revocationsPem
      this.#revocations = this.#readRevocations(roots)
      this.#signing = authority
      const before = this.presentBundle
      const bundle = this.#pluggedBundle(roots, before.sequence + 1)
      const isNew = !isSameBundle(before, bundle) || revokedBefore !== this.#revocationsPem
      if (isNew) this.#bundle.set(bundle)
      log.info('the authority was read again', { signing: authority.certificate.serialNumber })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      log.warn('the changed authority can not be used; the one before stays', { reason })
    }
  }

  #readRevocations(roots: readonly X509Certificate[]): readonly RevocationList[] {
    const { source } = this.#options
    if (source.type !== 'plugged' || !source.revocations) return []
    const issuers = [...this.#signing.intermediates, ...roots]
    const pem = readFileSync(source.revocations, 'utf8')
    const lists = readRevocationLists(pem, issuers)
    this.#revocationsPem = pem
    return lists
  }
}
