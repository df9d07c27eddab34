/**
 * The trust bundles of other trust domains: fetched as often as they ask, and kept in files, so that a restart trusts whom it trusted.
 *
 *   fetching ──good──▶ known, again after its refresh hint
 *      └──a fault──▶ what is known stays, again after a growing wait
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomically } from '#/std/atomic-file.ts'
import { Backoff } from '#/std/backoff.ts'
import type { Clock, Timer } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import type { Random } from '#/std/random.ts'
import { type Watched, WatchedValue } from '#/std/watched.ts'
import { formatBundleDocument, isSameBundle, parseBundleDocument, type TrustBundle } from '../spiffe/trust-bundle.ts'
import { BundleFault, type BundleFaultCode, fetchBundle } from './bundle-fetch.ts'
import type { BundleSource } from './bundle-source.ts'

/** What `weft ca bundles` shows of one. */
export interface FederationReport {
  trustDomain: string
  url: string
  profile: 'https_spiffe' | 'https_web'
  /** Of what is trusted now; 0 and none before the first. */
  sequence: number
  roots: number
  /** RFC 3339; empty when it was not fetched since the start. */
  fetched: string
  /** Why the last attempt failed; empty when it did not. */
  fault: string
}

export interface FederatedBundlesOptions {
  sources: readonly BundleSource[]
  /** Where bundles are kept. */
  folder: string
  fetch?: typeof fetchBundle
  clock: Clock
  random: Random
  log: Log
}

/** Bounds of what a document asks for: nobody is asked every second, nor once a month, ms. */
const refreshMs = { min: 5000, max: 86_400_000 }
const retryMs = { initialMs: 5000, maxMs: 600_000 }

interface Entry {
  source: BundleSource
  bundle: TrustBundle | undefined
  fetched: string
  fault: string
  backoff: Backoff
  timer: Timer | undefined
}

export class FederatedBundles {
  readonly #options: FederatedBundlesOptions
  readonly #entries: readonly Entry[]
  readonly #bundles = new WatchedValue<readonly TrustBundle[]>()
  readonly #faults = new Map<BundleFaultCode, number>()
  #isStopped = false

  constructor(options: FederatedBundlesOptions) {
    this.#options = options
    const { random } = options
    this.#entries = options.sources.map((source) => ({
      source,
      bundle: this.#readKept(source),
      fetched: '',
      fault: '',
      backoff: new Backoff({ ...retryMs, random }),
      timer: undefined,
    }))
    this.#tell()
  }

  /** Those that are known, one a trust domain. */
  get bundles(): Watched<readonly TrustBundle[]> {
    return this.#bundles
  }

  /** Fetches that failed, by why. */
  get faults(): ReadonlyMap<BundleFaultCode, number> {
    return this.#faults
  }

  start(): void {
    for (const entry of this.#entries) void this.#refresh(entry)
  }

  stop(): void {
    this.#isStopped = true
    for (const { timer } of this.#entries) timer?.cancel()
  }

  report(): FederationReport[] {
    return this.#entries.map(({ source, bundle, fetched, fault }) => ({
      trustDomain: source.trustDomain,
      url: source.url,
      profile: source.endpointId ? 'https_spiffe' : 'https_web',
      sequence: bundle?.sequence ?? 0,
      roots: bundle?.roots.length ?? 0,
      fetched,
      fault,
    }))
  }

  async #refresh(entry: Entry): Promise<void> {
    const { clock, log, fetch = fetchBundle } = this.#options
    const { source, backoff } = entry
    let waitMs: number
    try {
      const bundle = await fetch(source, entry.bundle)
      entry.fetched = new Date(clock.wallMs()).toISOString()
      entry.fault = ''
      backoff.reset()
      waitMs = Math.min(refreshMs.max, Math.max(refreshMs.min, bundle.refreshHintMs))
      this.#take(entry, bundle)
    } catch (error) {
      const code = error instanceof BundleFault ? error.code : 'malformed'
      const reason = error instanceof Error ? error.message : String(error)
      entry.fault = `${code}: ${reason}`
      this.#faults.set(code, (this.#faults.get(code) ?? 0) + 1)
      waitMs = backoff.next()
      log.warn('the bundle of another trust domain was not fetched; what is known stays', {
        trustDomain: source.trustDomain,
        code,
        reason,
      })
    }
    if (!this.#isStopped) entry.timer = clock.after(waitMs, () => void this.#refresh(entry), true)
  }

  #take(entry: Entry, bundle: TrustBundle): void {
    const before = entry.bundle
    entry.bundle = bundle
    if (before && isSameBundle(before, bundle) && before.sequence === bundle.sequence) return
    writeFileAtomically(this.#pathOf(entry.source), formatBundleDocument(bundle), 0o600)
    this.#options.log.info('a bundle of another trust domain is in force', {
      trustDomain: bundle.trustDomain,
      sequence: bundle.sequence,
      roots: bundle.roots.length,
    })
    this.#tell()
  }

  #tell(): void {
    this.#bundles.set(this.#entries.flatMap(({ bundle }) => bundle ?? []))
  }

  /** What was in force last, else what its owner has handed over. */
  #readKept(source: BundleSource): TrustBundle | undefined {
    for (const path of [this.#pathOf(source), source.bundleFile ?? '']) {
      const bundle = path === '' ? undefined : this.#readFile(source, path)
      if (bundle) return bundle
    }
    return undefined
  }

  #readFile({ trustDomain }: BundleSource, path: string): TrustBundle | undefined {
    try {
      const bundle = parseBundleDocument(trustDomain, readFileSync(path, 'utf8'))
      if (typeof bundle !== 'string') return bundle
      this.#options.log.warn('a kept bundle can not be read', { path, reason: bundle })
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code !== 'ENOENT') this.#options.log.warn('a kept bundle can not be read', { path, reason: message })
    }
    return undefined
  }

  #pathOf({ trustDomain }: BundleSource): string {
    return join(this.#options.folder, `${trustDomain}.json`)
  }
}
