/**
 * Our own roots in a folder: `authority.json` says which there are and what they are for, each with its certificate and key in a file
 * beside it. All are written whole or not at all, for nobody else to read.
 */
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomically } from '#/std/atomic-file.ts'
import { formatPem } from '../der/der-writer.ts'
import { type RootRotation, trustedRoots } from './root-rotation.ts'
import type { SigningAuthority } from './signing-authority.ts'

export interface KeptRoots {
  rotation: RootRotation
  /** Grows with each change of what is trusted. */
  sequence: number
  /** By name; those of the rotation. */
  roots: ReadonlyMap<string, SigningAuthority>
}

const ownerOnly = 0o600

export class RootStore {
  readonly #folder: string

  /** @param folder is made when it is missing. */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** @returns nothing at the first start. @throws when what is kept is damaged: a new root in its place would cut everyone off. */
  load(): KeptRoots | undefined {
    const path = join(this.#folder, 'authority.json')
    if (!existsSync(path)) return undefined
    const { rotation, sequence } = JSON.parse(readFileSync(path, 'utf8')) as Pick<KeptRoots, 'rotation' | 'sequence'>
    const roots = new Map(trustedRoots(rotation).map((name) => [name, this.#readRoot(name)]))
    return { rotation, sequence, roots }
  }

  /** Keys first: the list never names one that is not there. */
  save({ rotation, sequence, roots }: KeptRoots): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    for (const [name, { certificate, key }] of roots) {
      if (existsSync(this.#file(name, 'key'))) continue
      writeFileAtomically(this.#file(name, 'crt'), formatPem('CERTIFICATE', certificate.raw), ownerOnly)
      writeFileAtomically(this.#file(name, 'key'), key.export({ type: 'pkcs8', format: 'pem' }), ownerOnly)
    }
    const text = `${JSON.stringify({ version: 1, rotation, sequence }, undefined, 2)}\n`
    writeFileAtomically(join(this.#folder, 'authority.json'), text, ownerOnly)
  }

  /** Of a root that was withdrawn: what it could sign ends with it. */
  forget(name: string): void {
    for (const ending of ['key', 'crt'] as const) rmSync(this.#file(name, ending), { force: true })
  }

  #readRoot(name: string): SigningAuthority {
    const certificate = new X509Certificate(readFileSync(this.#file(name, 'crt')))
    const key = createPrivateKey(readFileSync(this.#file(name, 'key')))
    if (!certificate.checkPrivateKey(key))
      throw new Error(`${this.#file(name, 'key')} is not the key of its certificate`)
    return { certificate, key, intermediates: [], root: certificate }
  }

  #file(name: string, ending: 'crt' | 'key'): string {
    return join(this.#folder, `${name}.${ending}`)
  }
}

/** `root-3f9a1c07b2d4`, by which a root is kept and shown. */
export function rootName(root: X509Certificate): string {
  return `root-${createHash('sha256').update(root.raw).digest('hex').slice(0, 12)}`
}
