/**
 * The leaf, its key and the roots as three files, for gRPC's certificate provider `file_watcher` (gRFC A29) and programs that know
 * nothing else. They change together: each is a link through one folder's name, which is swapped at once, as kubelets do with Secrets.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { writeFileAtomically } from '#/std/atomic-file.ts'
import type { Svid } from '../workload/svid.ts'

export const certificateFileNames = { certificate: 'certificate.pem', key: 'key.pem', roots: 'roots.pem' } as const

const present = '..present'

/** Writes the three into `folder`, which is made when it is missing. @throws when it can't be written. */
export function writeCertificateFiles(folder: string, { certificateChainPem, privateKey, bundlePem }: Svid): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const before = generationsOf(folder)
  const generation = `..${Math.max(0, ...before.map((name) => Number(name.slice(2)))) + 1}`
  const inside = join(folder, generation)
  mkdirSync(inside, { mode: 0o700 })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  writeFileAtomically(join(inside, certificateFileNames.certificate), certificateChainPem)
  writeFileAtomically(join(inside, certificateFileNames.key), key, 0o600)
  writeFileAtomically(join(inside, certificateFileNames.roots), bundlePem)
  const next = join(folder, '..next')
  rmSync(next, { force: true })
  symlinkSync(generation, next)
  renameSync(next, join(folder, present))
  for (const name of Object.values(certificateFileNames)) {
    const path = join(folder, name)
    if (!existsSync(path)) symlinkSync(join(present, name), path)
  }
  for (const name of before) rmSync(join(folder, name), { recursive: true })
}

function generationsOf(folder: string): string[] {
  return readdirSync(folder).filter((name) => /^\.\.\d+$/.test(name))
}
