/** Names in certificates, as DER. */
import type { X509Certificate } from 'node:crypto'
import { readElements, readOnly } from './der-reader.ts'
import { tags } from './der-writer.ts'

/** The subject of a certificate, as its children must repeat it. @throws DerFault */
export function subjectOf(certificate: X509Certificate): Buffer {
  const [body] = readElements(readOnly(certificate.raw, tags.sequence).content)
  // Version, serial, algorithm, issuer, validity, subject (RFC 5280 section 4.1).
  return readElements(body!.content)[5]!.whole
}
