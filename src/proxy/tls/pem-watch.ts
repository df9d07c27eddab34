/**
 * PEM files and secrets, and their changes. Files are polled by `stat`: Kubernetes swaps a mounted Secret by a symbolic link two levels up, which
 * no watch of the file itself would tell.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { type ClientTls, type PemSource, type ServerTls, systemRootsPath, type TlsCertificate } from '#/model/tls.ts'
import type { FederatedRoots } from '#/model/trust-secret.ts'
import type { Clock, Timer } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import type { SecretPart, SecretStore } from './secret-store.ts'

export interface PemWatchOptions {
  clock: Clock
  log: Log
  /** Between two looks, ms. */
  intervalMs: number
  /** Absent: there are none. */
  secrets?: SecretStore
}

interface Watched {
  paths: readonly string[]
  seen: string
  onChange: () => void
}

/** Systems keep the roots of the web at different places: where they are not at this one, Node's own are taken. */
function readPemFile(path: string): string {
  if (path !== systemRootsPath || existsSync(path)) return readFileSync(path, 'utf8')
  return process.getBuiltinModule('node:tls').rootCertificates.join('\n')
}

/** All PEM sources of a context. */
function pemSources(tls: ServerTls | ClientTls): PemSource[] {
  const certificates: TlsCertificate[] =
    'certificates' in tls ? [...tls.certificates] : tls.certificate ? [tls.certificate] : []
  const sources = certificates.flatMap(({ chain, privateKey }) => [chain, privateKey])
  return tls.trustedCa ? [...sources, tls.trustedCa] : sources
}

export class PemWatch {
  readonly #options: PemWatchOptions
  readonly #watched = new Set<Watched>()
  #timer: Timer | undefined

  constructor(options: PemWatchOptions) {
    this.#options = options
  }

  get log(): Log {
    return this.#options.log
  }

  /** Since 1970. */
  get nowMs(): number {
    return this.#options.clock.wallMs()
  }

  /** @throws when the file can't be read, or the secret has not come; the message names it. */
  read(source: PemSource, part: SecretPart): string {
    if (source.type === 'inline') return source.pem
    if (source.type === 'file') return readPemFile(source.path)
    const pem = this.#options.secrets?.find(source.name)?.[part]
    if (pem === undefined) throw new Error(`secret ${source.name} has not come yet`)
    // In the handshake all of them; which of them a name is held against is seen behind it.
    return part === 'trustedCa' ? [pem, ...this.federated(source).map((other) => other.pem)].join('') : pem
  }

  /** Roots of the source's own trust domain alone. @throws as `read`. */
  readOwnRoots(source: PemSource): string {
    return (
      (source.type === 'secret' && this.#options.secrets?.find(source.name)?.trustedCa) ||
      this.read(source, 'trustedCa')
    )
  }

  /** Roots of other trust domains. */
  federated(source: PemSource): readonly FederatedRoots[] {
    return (source.type === 'secret' && this.#options.secrets?.find(source.name)?.federated) || []
  }

  /** Lists of revoked certificates; empty for none. */
  revocations(source: PemSource): string {
    return (source.type === 'secret' && this.#options.secrets?.find(source.name)?.revocations) || ''
  }

  /** @returns how to stop. `onChange` must not throw. */
  watch(tls: ServerTls | ClientTls, onChange: () => void): () => void {
    const stops = [this.#watchFiles(tls, onChange), ...this.#watchSecrets(tls, onChange)]
    return () => {
      for (const stop of stops) stop()
    }
  }

  #watchSecrets(tls: ServerTls | ClientTls, onChange: () => void): (() => void)[] {
    const { secrets } = this.#options
    const names = pemSources(tls).flatMap((source) => (source.type === 'secret' ? [source.name] : []))
    return secrets ? [...new Set(names)].map((name) => secrets.watch(name, onChange)) : []
  }

  #watchFiles(tls: ServerTls | ClientTls, onChange: () => void): () => void {
    const paths = pemSources(tls).flatMap((source) => (source.type === 'file' ? [source.path] : []))
    if (paths.length === 0) return () => undefined
    const watched: Watched = { paths, seen: fingerprint(paths), onChange }
    this.#watched.add(watched)
    this.#arm()
    return () => {
      this.#watched.delete(watched)
      if (this.#watched.size > 0) return
      this.#timer?.cancel()
      this.#timer = undefined
    }
  }

  #arm(): void {
    const { clock, intervalMs } = this.#options
    this.#timer ??= clock.after(intervalMs, () => this.#look(), true)
  }

  #look(): void {
    this.#timer = undefined
    for (const watched of [...this.#watched]) {
      const now = fingerprint(watched.paths)
      if (now === watched.seen) continue
      watched.seen = now
      watched.onChange()
    }
    if (this.#watched.size > 0) this.#arm()
  }
}

/** Changes with the files that the paths lead to. */
function fingerprint(paths: readonly string[]): string {
  return paths
    .map((path) => {
      const found = statSync(path, { throwIfNoEntry: false, bigint: true })
      return found ? `${found.ino} ${found.mtimeNs} ${found.size}` : 'missing'
    })
    .join('\n')
}
