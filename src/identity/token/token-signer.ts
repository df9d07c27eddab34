/** Signs tokens by which the sidecars of a laptop prove who they are, and keeps them fresh in their files as a kubelet does. */
import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import { writeFileAtomically } from '#/std/atomic-file.ts'
import type { Clock, Timer } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import { type TokenBearer, tokenAudience, tokenIssuer, tokenLifeMs } from './token-claims.ts'

/** @returns a JWT that serves once. */
export function signToken(
  key: Uint8Array,
  { namespace, serviceAccount, pod }: TokenBearer,
  nowMs: number,
): Promise<string> {
  const seconds = Math.floor(nowMs / 1000)
  const bound = { namespace, pod: { name: pod }, serviceaccount: { name: serviceAccount } }
  return new SignJWT({ 'kubernetes.io': bound })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(tokenIssuer)
    .setAudience(tokenAudience)
    .setSubject(`system:serviceaccount:${namespace}:${serviceAccount}`)
    .setJti(randomUUID())
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + tokenLifeMs / 1000)
    .sign(key)
}

export interface TokenFileOptions {
  key: Uint8Array
  bearer: TokenBearer
  path: string
  clock: Clock
  log: Log
}

/** One sidecar's token, written anew at half its life. */
export class TokenFile {
  readonly #options: TokenFileOptions
  #timer: Timer | undefined
  #isStopped = false

  constructor(options: TokenFileOptions) {
    this.#options = options
  }

  /** Resolves when a fresh token stands in the file. To be called again for a process that starts again: a token serves once. */
  async renew(): Promise<void> {
    const { key, bearer, path, clock } = this.#options
    this.#timer?.cancel()
    const token = await signToken(key, bearer, clock.wallMs())
    if (this.#isStopped) return
    writeFileAtomically(path, token, 0o600)
    this.#timer = clock.after(tokenLifeMs / 2, () => this.#renewLater(), true)
  }

  stop(): void {
    this.#isStopped = true
    this.#timer?.cancel()
  }

  #renewLater(): void {
    this.renew().catch((error) =>
      this.#options.log.error('a token could not be renewed', { path: this.#options.path, reason: String(error) }),
    )
  }
}
