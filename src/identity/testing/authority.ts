/** Authorities and certificates for tests, right and wrong ones. */
import { generateKeyPairSync, type KeyObject, sign, type X509Certificate } from 'node:crypto'
import {
  extension,
  keyIdOf,
  nameOf,
  type Signer,
  signCertificate,
  writeCertificate,
} from '#/identity/ca/certificate-writer.ts'
import { issueLeaf, newRoot, type SigningAuthority } from '#/identity/ca/signing-authority.ts'
import { subjectOf } from '#/identity/der/certificate-name.ts'
import {
  bitString,
  boolean,
  element,
  formatPem,
  integer,
  oid,
  sequence,
  smallInteger,
  time,
} from '#/identity/der/der-writer.ts'
import { extensionIds, purposeIds } from '#/identity/spiffe/certificate-extension.ts'
import { parseSpiffeId, type SpiffeId } from '#/identity/spiffe/spiffe-id.ts'
import type { TrustBundle } from '#/identity/spiffe/trust-bundle.ts'

export const trustDomain = 'cluster.local'
export const dayMs = 86_400_000

export function newKeys(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
}

export function idOf(text: string): SpiffeId {
  const id = parseSpiffeId(text)
  if (typeof id === 'string') throw new Error(id)
  return id
}

export function bundleOf(...authorities: SigningAuthority[]): TrustBundle {
  return { trustDomain, roots: authorities.map(({ root }) => root), sequence: 1, refreshHintMs: 60_000 }
}

export function newLeaf(
  authority: SigningAuthority,
  { id = `spiffe://${trustDomain}/ns/shop/sa/cart`, nowMs = Date.now(), lifeMs = dayMs } = {},
): { leaf: X509Certificate; key: KeyObject; chain: string[] } {
  const { publicKey, privateKey } = newKeys()
  const { leaf, chain } = issueLeaf(authority, { publicKey, id: idOf(id), lifeMs, nowMs })
  return { leaf, key: privateKey, chain }
}

export function signerOf({ certificate, key }: SigningAuthority): Signer {
  return { key, name: subjectOf(certificate), keyId: keyIdOf(certificate.publicKey) }
}

/** A signing certificate below `above`. */
export function newIntermediate(above: SigningAuthority, pathLength = 0, nowMs = Date.now()): SigningAuthority {
  const { publicKey, privateKey: key } = newKeys()
  const span = { notBeforeMs: nowMs - dayMs, notAfterMs: nowMs + dayMs }
  const name = nameOf(`below ${above.certificate.serialNumber}`)
  const plan = { publicKey, subject: name, ...span, authority: { pathLength } }
  const certificate = writeCertificate(plan, signerOf(above))
  return { certificate, key, intermediates: [certificate, ...above.intermediates], root: above.root }
}

export { newRoot }

/** What a leaf may have wrong. */
export interface WrongLeaf {
  uris?: readonly string[]
  /** First octet of the key usage: 0x80 to sign, 0x04 to sign certificates. */
  usage?: number
  isCa?: boolean
  purposes?: readonly string[]
  notBeforeMs?: number
  notAfterMs?: number
}

export function newWrongLeaf(authority: SigningAuthority, wrong: WrongLeaf, keys = newKeys()): X509Certificate {
  const nowMs = Date.now()
  const {
    uris = [`spiffe://${trustDomain}/ns/shop/sa/cart`],
    usage = 0x80,
    isCa = false,
    purposes = Object.values(purposeIds),
    notBeforeMs = nowMs - dayMs,
    notAfterMs = nowMs + dayMs,
  } = wrong
  const names = uris.map((uri) => element(0x86, Buffer.from(uri, 'latin1')))
  return signCertificate(
    { publicKey: keys.publicKey, subject: sequence(), notBeforeMs, notAfterMs },
    [
      extension(extensionIds.basicConstraints, isCa ? sequence(boolean(true), smallInteger(0)) : sequence(), true),
      extension(extensionIds.keyUsage, bitString(Buffer.of(usage), 1), true),
      extension(extensionIds.extendedKeyUsage, sequence(...purposes.map(oid))),
      extension(extensionIds.subjectAltName, sequence(...names), true),
    ],
    signerOf(authority),
  )
}

/** PEM of a list that revokes the `serials`. */
export function revocationList(
  by: SigningAuthority,
  serials: readonly string[],
  name = subjectOf(by.certificate),
): string {
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'))
  const revoked = serials.map((serial) => sequence(integer(Buffer.from(serial, 'hex')), time(Date.now())))
  const body = sequence(
    integer(Buffer.of(1)),
    algorithm,
    name,
    time(Date.now()),
    time(Date.now() + dayMs),
    sequence(...revoked),
  )
  return formatPem('X509 CRL', sequence(body, algorithm, bitString(sign('sha256', body, by.key))))
}
