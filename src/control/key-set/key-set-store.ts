/**
 * The keys of issuers, fetched here and handed to proxies inline, as Istio does it: one fetch for the whole mesh, a sidecar needs no
 * way to the issuer, and one that restarts has keys at once. What was fetched last is kept when the next fetch fails.
 */
import type { Resources } from '#/control/source/resources.ts'
import type { Clock, Timer } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import { publicKeySet } from '../translate/authentication/public-key-set.ts'

/** Issuers publish a key before they use it (OpenID Connect Core 1.0, section 10.1.1); this is how long it takes to be known, ms. */
const refreshMs = 60_000
/** While there is nothing to go by, ms. */
const retryMs = 2000
const fetchTimeoutMs = 5000
const keySetBytesMax = 262_144

export interface KeySetStoreOptions {
  clock: Clock
  log: Log
  /** There are other keys than before. */
  onChange: () => void
  fetch?: typeof globalThis.fetch
}

export class KeySetStore {
  readonly #options: KeySetStoreOptions
  readonly #found = new Map<string, string>()
  readonly #timers = new Map<string, Timer>()
  readonly #abort = new AbortController()

  constructor(options: KeySetStoreOptions) {
    this.#options = options
  }

  /** By address. */
  get found(): ReadonlyMap<string, string> {
    return this.#found
  }

  /** Fetches what policies name, and forgets what none names any more. */
  follow(resources: Resources): void {
    const wanted = new Set<string>()
    for (const { value } of resources.of('AuthenticationPolicy').values())
      for (const { jwksUri } of value.spec.jwt?.providers ?? []) if (jwksUri !== undefined) wanted.add(jwksUri)
    for (const [uri, timer] of this.#timers) {
      if (wanted.has(uri)) continue
      timer.cancel()
      this.#timers.delete(uri)
      this.#found.delete(uri)
    }
    for (const uri of wanted) if (!this.#timers.has(uri)) this.#plan(uri, 0)
  }

  stop(): void {
    this.#abort.abort()
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }

  #plan(uri: string, delayMs: number): void {
    const timer = this.#options.clock.after(delayMs, () => void this.#refresh(uri, timer), true)
    this.#timers.set(uri, timer)
  }

  async #refresh(uri: string, timer: Timer): Promise<void> {
    const { log, onChange } = this.#options
    const outcome = await this.#fetch(uri)
    // Forgotten, or asked for anew, meanwhile.
    if (this.#timers.get(uri) !== timer) return
    const isKnown = this.#found.has(uri)
    if ('fault' in outcome) log.warn('keys of an issuer could not be fetched', { uri, fault: outcome.fault, isKnown })
    const hasNew = 'keys' in outcome && outcome.keys !== this.#found.get(uri)
    if (hasNew) this.#found.set(uri, outcome.keys)
    this.#plan(uri, this.#found.has(uri) ? refreshMs : retryMs)
    if (hasNew) onChange()
  }

  /** The fault never holds what was answered: who writes a policy must not read the control plane's network by it. */
  async #fetch(uri: string): Promise<{ keys: string } | { fault: string }> {
    const fetch = this.#options.fetch ?? globalThis.fetch
    try {
      const signal = AbortSignal.any([AbortSignal.timeout(fetchTimeoutMs), this.#abort.signal])
      const response = await fetch(uri, { redirect: 'error', signal, headers: { accept: 'application/json' } })
      if (!response.ok) return { fault: `status ${response.status}` }
      const text = await readBounded(response)
      if (text === undefined) return { fault: `more than ${keySetBytesMax} bytes` }
      const keys = publicKeySet(text)
      return keys === undefined ? { fault: 'the answer is no JWK set' } : { keys }
    } catch (error) {
      return { fault: error instanceof Error ? error.message : String(error) }
    }
  }
}

/** @returns undefined when it is too long. */
async function readBounded(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > keySetBytesMax) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
