/** What signs leaves: a root of our own, or a plugged-in certificate below an organisation's root. */
import { generateKeyPairSync, type KeyObject, randomBytes, type X509Certificate } from 'node:crypto'
import { subjectOf } from '../der/certificate-name.ts'
import { formatPem } from '../der/der-writer.ts'
import { formatSpiffeId, type SpiffeId } from '../spiffe/spiffe-id.ts'
import { keyIdOf, nameOf, nodeSubject, writeCertificate } from './certificate-writer.ts'

export interface SigningAuthority {
  certificate: X509Certificate
  key: KeyObject
  /** From the signing certificate up, the root left out; empty when the root signs itself. */
  intermediates: readonly X509Certificate[]
  root: X509Certificate
}

/** Clocks of the machines of a mesh differ; a leaf is valid this long before it was made, ms. */
export const backdateMs = 60_000
/** Of a root of our own, ms. Rotation does not wait for it. */
const rootLifeMs = 10 * 365 * 86_400_000

/** A self-signed root. Its name holds chance, so that two roots are never taken for one another. */
export function newRoot(trustDomain: string, nowMs: number): SigningAuthority {
  const { privateKey: key, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const name = nameOf(`${trustDomain} root ${randomBytes(4).toString('hex')}`)
  const root = writeCertificate(
    {
      publicKey,
      subject: name,
      notBeforeMs: nowMs - backdateMs,
      notAfterMs: nowMs + rootLifeMs,
      uri: formatSpiffeId({ trustDomain, path: '' }),
      authority: { pathLength: 1 },
    },
    { key, name },
  )
  return { certificate: root, key, intermediates: [], root }
}

export interface LeafPlan {
  publicKey: KeyObject
  id: SpiffeId
  dnsNames?: readonly string[]
  /** `POD.NAMESPACE` that it is issued to; stands in the subject. */
  node?: string
  lifeMs: number
  nowMs: number
}

export interface IssuedLeaf {
  leaf: X509Certificate
  /** PEM of each certificate, leaf first, root last. */
  chain: string[]
  expiresMs: number
}

/** The leaf ends with what signs it, at the latest. The name that counts is in the extension. */
export function issueLeaf(
  authority: SigningAuthority,
  { publicKey, id, dnsNames, node, lifeMs, nowMs }: LeafPlan,
): IssuedLeaf {
  const { certificate, key, intermediates, root } = authority
  // Certificates tell whole seconds: rounded up, or a life of one second could be none.
  const notAfterMs = Math.min(Math.ceil((nowMs + lifeMs) / 1000) * 1000, certificate.validToDate.getTime())
  const leaf = writeCertificate(
    {
      publicKey,
      subject: nodeSubject(node),
      notBeforeMs: nowMs - backdateMs,
      notAfterMs,
      uri: formatSpiffeId(id),
      ...(dnsNames ? { dnsNames } : {}),
    },
    { key, name: subjectOf(certificate), keyId: keyIdOf(certificate.publicKey) },
  )
  const chain = [leaf, ...intermediates, root].map(({ raw }) => formatPem('CERTIFICATE', raw))
  return { leaf, chain, expiresMs: leaf.validToDate.getTime() }
}
