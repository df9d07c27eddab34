/**
 * An organisation's own authority from files: signing certificate with the chain above it, its key, and the roots. The names fit what
 * cert-manager writes (`tls.crt`, `tls.key`, `ca.crt`) and Istio's `cacerts`.
 */
import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { readExtensions } from '../spiffe/certificate-extension.ts'
import { readCertificates } from '../spiffe/trust-bundle.ts'
import type { SigningAuthority } from './signing-authority.ts'

export interface AuthorityFiles {
  /** Signing certificate first, then those above it; the root may be left out. */
  certificate: string
  key: string
  /** Roots that are trusted; the first that the chain leads to is the authority's. */
  roots: string
}

export interface PluggedAuthority {
  authority: SigningAuthority
  /** The one that the chain leads to first, then the others of the file. */
  roots: readonly X509Certificate[]
}

/** @throws an error that names the file and what is wrong with it. */
export function readPluggedAuthority(files: AuthorityFiles, nowMs: number): PluggedAuthority {
  const chain = readChain(files.certificate)
  const roots = readChain(files.roots)
  const key = readKey(files.key)
  const [certificate] = chain
  if (!certificate!.checkPrivateKey(key)) throw new Error(`${files.key} is not the key of ${files.certificate}`)
  const isRoot = (one: X509Certificate): boolean => roots.some(({ raw }) => raw.equals(one.raw))
  const intermediates = chain.filter((one) => !isRoot(one))
  for (const [below, one] of intermediates.entries()) {
    expectSigner(one, below, files.certificate, nowMs)
    const above = intermediates[below + 1]
    if (above && !isIssued(one, above))
      throw new Error(`${files.certificate} is not in order: ${nameOf(above)} did not sign what stands before it`)
  }
  const top = intermediates[intermediates.length - 1]
  const root = top ? roots.find((one) => isIssued(top, one)) : roots.find(({ raw }) => raw.equals(certificate!.raw))
  if (!root) throw new Error(`${files.certificate} does not lead to a root of ${files.roots}`)
  expectSigner(root, intermediates.length, files.roots, nowMs)
  return {
    authority: { certificate: certificate!, key, intermediates, root },
    roots: [root, ...roots.filter((one) => one !== root)],
  }
}

function readChain(path: string): X509Certificate[] {
  const certificates = inFile(path, () => readCertificates(readFileSync(path, 'utf8')))
  if (certificates.length === 0) throw new Error(`${path} holds no certificate`)
  return certificates
}

function readKey(path: string): KeyObject {
  // OpenSSL's message tells nothing of the key.
  return inFile(path, () => createPrivateKey(readFileSync(path)))
}

function inFile<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new Error(`${path} can not be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

function isIssued(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

/** @param below signing certificates below this one, of ours. */
function expectSigner(certificate: X509Certificate, below: number, path: string, nowMs: number): void {
  const { isCa, keyUsage, pathLength } = readExtensions(certificate)
  const name = nameOf(certificate)
  if (!isCa || (keyUsage && !keyUsage.signsCertificates)) throw new Error(`${path}: ${name} may not sign certificates`)
  if (pathLength !== undefined && below > pathLength)
    throw new Error(`${path}: ${name} allows ${pathLength} signing certificates below it, there are ${below}`)
  if (nowMs < certificate.validFromDate.getTime() || nowMs > certificate.validToDate.getTime())
    throw new Error(`${path}: ${name} is valid from ${certificate.validFrom} to ${certificate.validTo}`)
}

/** Node leaves an empty subject out. */
function nameOf({ subject }: X509Certificate): string {
  return (subject as string | undefined)?.replaceAll('\n', ', ') || 'a certificate without subject'
}
