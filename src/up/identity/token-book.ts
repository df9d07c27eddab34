/**
 * The tokens of all sidecars of a laptop mesh: a fresh one whenever a sidecar starts, and again before it expires, as a kubelet keeps
 * projected tokens.
 */
import { chownSync, rmSync } from 'node:fs'
import { type TokenBearer, tokenLifeMs } from '#/identity/token/token-claims.ts'
import { signToken } from '#/identity/token/token-signer.ts'
import { writeFileAtomically } from '#/std/atomic-file.ts'
import type { Clock, Timer } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'

export interface TokenBookOptions {
  key: Uint8Array
  clock: Clock
  log: Log
}

interface Entry {
  bearer: TokenBearer
  /** User of the sidecar, where it is not ours. */
  owner: number | undefined
}

export class TokenBook {
  readonly #options: TokenBookOptions
  /** By path of the file. */
  readonly #entries = new Map<string, Entry>()
  #timer: Timer

  constructor(options: TokenBookOptions) {
    this.#options = options
    this.#timer = this.#arm()
  }

  /** Writes a fresh token. @throws when the file can't be written. */
  issue(path: string, bearer: TokenBearer, owner?: number): void {
    this.#entries.set(path, { bearer, owner })
    this.#write(path, { bearer, owner })
  }

  /** The sidecar is gone, and so is its token. */
  forget(path: string): void {
    this.#entries.delete(path)
    rmSync(path, { force: true })
  }

  stop(): void {
    this.#timer.cancel()
  }

  #arm(): Timer {
    return this.#options.clock.after(tokenLifeMs / 2, () => this.#renew(), true)
  }

  #renew(): void {
    this.#timer = this.#arm()
    for (const [path, entry] of this.#entries) {
      try {
        this.#write(path, entry)
      } catch (error) {
        this.#options.log.error('a token could not be renewed', { path, reason: String(error) })
      }
    }
  }

  #write(path: string, { bearer, owner }: Entry): void {
    const { key, clock } = this.#options
    writeFileAtomically(path, signToken(key, bearer, clock.wallMs()), 0o600)
    if (owner !== undefined) chownSync(path, owner, owner)
  }
}
