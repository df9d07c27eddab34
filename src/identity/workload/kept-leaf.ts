/**
 * The leaf with its key in a file that only this process may read, so that one that restarts while the authority is away is still who
 * it was: without, it could call nobody who asks for mutual TLS.
 */
import { createPrivateKey } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { writeFileAtomically } from '#/std/atomic-file.ts'
import type { Svid } from './svid.ts'

const certificatePattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g

export interface KeptLeaf {
  /** PEM, leaf first. */
  chain: string[]
  privateKey: Svid['privateKey']
}

/** @returns undefined when none is kept. @throws when the file can't be read, or holds no key. */
export function readKeptLeaf(path: string): KeptLeaf | undefined {
  if (!existsSync(path)) return undefined
  const text = readFileSync(path, 'utf8')
  return { chain: text.match(certificatePattern) ?? [], privateKey: createPrivateKey(text) }
}

/** @throws the system's error. */
export function keepLeaf(path: string, { privateKey, certificateChainPem }: Svid): void {
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  writeFileAtomically(path, `${key}${certificateChainPem}`, 0o600)
}

/** What will not do is not looked at twice. */
export function forgetLeaf(path: string): void {
  rmSync(path, { force: true })
}
