/**
 * Keeps a process in the possession of a leaf: asks for one at the start, renews it at half its life, and sooner when another root
 * signs. What stands in `svid` is always whole: certificate, key and roots belong together.
 *
 *   asking ──granted──▶ holding ──half of its life──▶ asking (the leaf stays in use)
 *      └──refused──▶ waiting ──▶ asking
 *
 * The token proves who we are the first time; then the leaf does, until a fresh token is there or the leaf has run out.
 */
import { readFileSync } from 'node:fs'
import type { Backoff } from '#/std/backoff.ts'
import type { Clock, Timer } from '#/std/clock.ts'
import type { HostPort } from '#/std/host-port.ts'
import { formatHostPort } from '#/std/host-port.ts'
import type { Log } from '#/std/log.ts'
import type { Random } from '#/std/random.ts'
import { type Watched, WatchedValue } from '#/std/watched.ts'
import { FileWatch } from '../file/file-watch.ts'
import { verifyPeerChain } from '../spiffe/peer-chain.ts'
import { formatSpiffeId } from '../spiffe/spiffe-id.ts'
import { formatCertificates, readCertificates } from '../spiffe/trust-bundle.ts'
import { type CertificateCall, CertificateRefusal } from './certificate-client.ts'
import type { IdentitySource } from './identity-source.ts'
import { forgetLeaf, keepLeaf, readKeptLeaf } from './kept-leaf.ts'
import { type KeyRequest, newKeyRequest } from './key-request.ts'
import type { Svid } from './svid.ts'

export interface WorkloadIdentityOptions {
  /** Authorities, tried in turn. */
  addresses: readonly HostPort[]
  trustDomain: string
  /** Read again for each call: whoever writes it renews it. */
  tokenFile: string
  /** Roots to begin with, in PEM; watched. */
  bundleFile: string
  /** Where the leaf is kept for the next start of the process; absent: nowhere. */
  keptFile?: string
  /** Between two looks at the bundle, ms. */
  pollMs: number
  ask: (call: CertificateCall) => Promise<string[]>
  backoff: Backoff
  clock: Clock
  random: Random
  log: Log
}

/** Longest step of a wait, ms: a machine that slept through it finds out soon after it has woken. */
const stepMs = 30_000
/** After a change of the root that signs, all sidecars renew within this time or a tenth of their life, ms. */
const spreadMs = 10_000

export class WorkloadIdentity implements IdentitySource {
  readonly #options: WorkloadIdentityOptions
  readonly #svid = new WatchedValue<Svid>()
  readonly #watch: FileWatch
  #bundlePem = ''
  #askedWith = ''
  /** Kept until it is granted: the token serves one key, and an answer can be lost on its way. */
  #pending: KeyRequest | undefined
  /** That served, or was refused: the leaf goes first. */
  #token = ''
  /** In the present attempt. */
  #shownToken: string | undefined
  #attempt = 0
  #renewAtMs = 0
  #timer: Timer | undefined
  #isAsking = false
  #isStopped = false
  #isUnreachable = false
  #reason = 'no certificate has been asked for yet'

  constructor(options: WorkloadIdentityOptions) {
    this.#options = options
    const { bundleFile, clock, pollMs } = options
    this.#watch = new FileWatch({ paths: [bundleFile], clock, intervalMs: pollMs, onChange: () => this.#readBundle() })
  }

  get trustDomain(): string {
    return this.#options.trustDomain
  }

  /** The present leaf with its key and roots; none before the first. */
  get svid(): Watched<Svid> {
    return this.#svid
  }

  /** No authority could be reached in the last attempt: nothing is known against us. */
  get isUnreachable(): boolean {
    return this.#isUnreachable
  }

  /** Why there is no leaf, or why the present one was not renewed; empty when all is well. */
  get reason(): string {
    return this.#reason
  }

  start(): void {
    this.#readBundle()
    this.#takeKept()
    this.#ask()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
    this.#watch.stop()
  }

  /** The trusted roots have changed; the one that signs stands first. Broken PEM is refused with a word in the log. */
  setRoots(pem: string): void {
    try {
      const roots = readCertificates(pem)
      const text = formatCertificates(roots)
      if (roots.length === 0 || text === this.#bundlePem) return
      this.#bundlePem = text
    } catch (error) {
      this.#options.log.warn('changed roots can not be used; those before stay', { reason: messageOf(error) })
      return
    }
    const svid = this.#svid.value
    if (!svid) return
    this.#svid.set({ ...svid, bundlePem: this.#bundlePem })
    if (this.#isOfSigningRoot(svid)) return
    const nowMs = this.#options.clock.wallMs()
    this.#renewAtMs = nowMs + this.#soonMs(svid.expiresMs - nowMs)
    this.#wait()
  }

  /** It serves until the authority has answered. */
  #takeKept(): void {
    const { keptFile, log } = this.#options
    if (keptFile === undefined || this.#bundlePem === '') return
    try {
      const kept = readKeptLeaf(keptFile)
      if (kept) this.#accept(kept.chain, kept.privateKey)
    } catch (error) {
      log.info('the leaf of the last run will not do', { reason: messageOf(error) })
      forgetLeaf(keptFile)
    }
  }

  #keep(svid: Svid): void {
    const { keptFile, log } = this.#options
    if (keptFile === undefined) return
    try {
      keepLeaf(keptFile, svid)
    } catch (error) {
      log.warn('the leaf can not be kept for the next start', { reason: messageOf(error) })
    }
  }

  #soonMs(lifeMs: number): number {
    return this.#options.random() * Math.max(0, Math.min(spreadMs, lifeMs / 10))
  }

  #readBundle(): void {
    const { bundleFile, log } = this.#options
    try {
      this.setRoots(readFileSync(bundleFile, 'utf8'))
    } catch (error) {
      log.warn('the roots can not be read', { reason: messageOf(error) })
    }
  }

  /** A path to the first of the roots that needs no other. */
  #isOfSigningRoot({ certificateChainPem }: Svid): boolean {
    const { trustDomain, clock } = this.#options
    const roots = readCertificates(this.#bundlePem).slice(0, 1)
    const bundle = { trustDomain, roots, sequence: 0, refreshHintMs: 0 }
    const chain = readCertificates(certificateChainPem)
    return verifyPeerChain(chain, { nowMs: clock.wallMs(), bundleOf: () => bundle }).ok
  }

  #ask(): void {
    if (this.#isAsking || this.#isStopped) return
    this.#isAsking = true
    this.#attempt++
    this.#askOnce().then(
      () => this.#granted(),
      (error) => this.#refused(error),
    )
  }

  async #askOnce(): Promise<void> {
    const { addresses, trustDomain, clock, ask } = this.#options
    if (this.#bundlePem === '') this.#readBundle()
    if (this.#bundlePem === '') throw new Error('there are no trusted roots yet')
    this.#askedWith = this.#bundlePem
    this.#pending ??= await newKeyRequest()
    const { privateKey, request } = this.#pending
    const proof = this.#proof()
    this.#shownToken = proof.token
    const address = addresses[(this.#attempt - 1) % addresses.length]!
    const chain = await ask({ address, request, ...proof, roots: this.#bundlePem, trustDomain, clock })
    this.#token = proof.token ?? this.#token
    this.#accept(chain, privateKey)
    this.#pending = undefined
  }

  /** A token serves once; what was used already proves nothing. @throws when there is neither token nor leaf. */
  #proof(): Pick<CertificateCall, 'token' | 'leaf'> {
    const token = this.#readToken()
    const svid = this.#svid.value
    const hasLeaf = svid !== undefined && svid.expiresMs > this.#options.clock.wallMs()
    if (hasLeaf && (token === undefined || token === this.#token)) return { leaf: svid }
    if (token === undefined) throw new Error(`${this.#options.tokenFile} holds no token`)
    return { token }
  }

  #readToken(): string | undefined {
    try {
      return readFileSync(this.#options.tokenFile, 'utf8').trim() || undefined
    } catch (error) {
      this.#options.log.debug('the token can not be read', { reason: messageOf(error) })
      return undefined
    }
  }

  /** @throws when what was granted would not do: nobody could verify it, or it is of another key. */
  #accept(chain: readonly string[], privateKey: Svid['privateKey']): void {
    const { trustDomain, clock } = this.#options
    const certificates = readCertificates(chain.join(''))
    const bundle = { trustDomain, roots: readCertificates(this.#bundlePem), sequence: 0, refreshHintMs: 0 }
    const verdict = verifyPeerChain(certificates, {
      nowMs: clock.wallMs(),
      bundleOf: (name) => (name === trustDomain ? bundle : undefined),
    })
    if (!verdict.ok) throw new Error(`the certificate that was granted will not do: ${verdict.code}, ${verdict.detail}`)
    const [leaf] = certificates
    if (!leaf!.checkPrivateKey(privateKey)) throw new Error('the certificate that was granted is of another key')
    const isRoot = (raw: Buffer): boolean => bundle.roots.some((root) => root.raw.equals(raw))
    this.#svid.set({
      spiffeId: formatSpiffeId(verdict.id),
      certificateChainPem: formatCertificates(certificates.filter(({ raw }) => !isRoot(raw))),
      privateKey,
      bundlePem: this.#bundlePem,
      expiresMs: leaf!.validToDate.getTime(),
    })
  }

  #granted(): void {
    const { backoff, clock, random, log } = this.#options
    const svid = this.#svid.value!
    const { spiffeId, expiresMs } = svid
    this.#keep(svid)
    this.#isAsking = false
    this.#isUnreachable = false
    this.#reason = ''
    backoff.reset()
    const lifeMs = expiresMs - clock.wallMs()
    // Half of its life, give or take a tenth: what started together does not renew together for ever. Sooner when the roots have
    // changed on the way.
    const waitMs = this.#askedWith === this.#bundlePem ? lifeMs * (0.45 + 0.1 * random()) : this.#soonMs(lifeMs)
    this.#renewAtMs = clock.wallMs() + waitMs
    log.info('a certificate was granted', { id: spiffeId, expires: new Date(expiresMs).toISOString() })
    this.#wait()
  }

  #refused(error: unknown): void {
    const { backoff, clock, log, addresses } = this.#options
    this.#isAsking = false
    this.#reason = messageOf(error)
    this.#isUnreachable = error instanceof CertificateRefusal && !error.isAnswered
    const retryMs = backoff.next()
    log.warn('no certificate was granted', {
      authority: formatHostPort(addresses[(this.#attempt - 1) % addresses.length]!),
      reason: this.#reason,
      retryMs: Math.round(retryMs),
    })
    // What was refused by one proof asks by the other next, even by a token that served.
    if (error instanceof CertificateRefusal && error.isAnswered) this.#token = this.#shownToken ?? ''
    this.#renewAtMs = clock.wallMs() + retryMs
    this.#wait()
  }

  #wait(): void {
    if (this.#isStopped) return
    this.#timer?.cancel()
    const { clock } = this.#options
    const leftMs = this.#renewAtMs - clock.wallMs()
    this.#timer =
      leftMs > 0
        ? clock.after(Math.min(leftMs, stepMs), () => this.#wait(), true)
        : clock.after(0, () => this.#ask(), true)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
