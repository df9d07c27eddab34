/** Reads lists of revoked certificates (RFC 5280 section 5), for authorities that are plugged in. */
import type { X509Certificate } from 'node:crypto'
import { verify } from 'node:crypto'
import { DerFault, readBitString, readOid, readOnly, readPemBlocks, readSequence, readTime } from '../der/der-reader.ts'
import { tags } from '../der/der-writer.ts'
import { subjectOf } from './certificate-writer.ts'

const hashes: Readonly<Record<string, string>> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
}

export interface RevocationList {
  issuer: X509Certificate
  /** Milliseconds since 1970; after it a newer list should be there. Absent when the list does not say. */
  nextUpdateMs?: number
  /** Serial numbers in hexadecimal, upper case, as `X509Certificate.serialNumber` has them. */
  serials: ReadonlySet<string>
}

/**
 * @param issuers who may have signed a list.
 * @throws an error that says what is wrong: an unsigned list, or one of a stranger, revokes nothing and hides a mistake.
 */
export function readRevocationLists(pem: string, issuers: readonly X509Certificate[]): RevocationList[] {
  return readPemBlocks('X509 CRL', pem).map((der) => readList(der, issuers))
}

/** Whether one of `lists` revokes `certificate`, issued by `issuer`. */
export function isRevokedBy(
  lists: readonly RevocationList[],
  certificate: X509Certificate,
  issuer: X509Certificate,
): boolean {
  return lists.some(
    (list) => list.issuer.publicKey.equals(issuer.publicKey) && list.serials.has(serialText(certificate.serialNumber)),
  )
}

function readList(der: Buffer, issuers: readonly X509Certificate[]): RevocationList {
  const [body, algorithm, signature] = readSequence(readOnly(der, tags.sequence))
  const fields = readSequence(body)
  if (fields[0]?.tag === tags.integer) fields.shift()
  const [, name, , next, ...rest] = fields
  const issuer = issuers.find((one) => name !== undefined && subjectOf(one).equals(name.whole))
  if (!issuer) throw new DerFault('a revocation list of an authority that is not ours')
  const hash = hashes[readOid(readSequence(algorithm)[0])]
  if (!hash || !verify(hash, body!.whole, issuer.publicKey, readBitString(signature)))
    throw new DerFault(`the signature of the revocation list of ${issuer.subject} does not hold`)
  const hasNext = next?.tag === tags.utcTime || next?.tag === tags.generalizedTime
  const revoked = (hasNext ? rest : [next, ...rest]).find((part) => part?.tag === tags.sequence)
  const serials = revoked ? readSequence(revoked).map((entry) => readSequence(entry)[0]!.content.toString('hex')) : []
  return {
    issuer,
    ...(hasNext ? { nextUpdateMs: readTime(next) } : {}),
    serials: new Set(serials.map(serialText)),
  }
}

/** Without the octet that keeps a number positive. */
function serialText(hex: string): string {
  return hex.replace(/^(00)+/, '').toUpperCase()
}
