/** Reads lists of revoked certificates (RFC 5280 section 5), for authorities that are plugged in. */
import type { X509Certificate } from 'node:crypto'
import { verify } from 'node:crypto'
import { subjectOf } from '../der/certificate-name.ts'
import {
  DerFault,
  expectTag,
  readBitString,
  readOid,
  readOnly,
  readPemBlocks,
  readSequence,
  readTime,
} from '../der/der-reader.ts'
import { tags } from '../der/der-writer.ts'

const hashes: Readonly<Record<string, string>> = {
  '1.2.840.10045.4.3.2': 'sha256',
  '1.2.840.10045.4.3.3': 'sha384',
  '1.2.840.10045.4.3.4': 'sha512',
  '1.2.840.113549.1.1.11': 'sha256',
  '1.2.840.113549.1.1.12': 'sha384',
  '1.2.840.113549.1.1.13': 'sha512',
}

/** A list as it was read: nobody has looked yet at who signed it. */
interface SignedList {
  /** DER of the issuer's Name. */
  issuerName: Buffer
  /** What was signed, how, and the signature. */
  body: Buffer
  hash: string | undefined
  signature: Buffer
  /** Milliseconds since 1970; after it a newer list should be there. Absent when the list does not say. */
  nextUpdateMs?: number
  /** Serial numbers in hexadecimal, upper case, as `X509Certificate.serialNumber` has them. */
  serials: ReadonlySet<string>
}

export interface RevocationList {
  issuer: X509Certificate
  /** As in `SignedList`. */
  nextUpdateMs?: number
  serials: ReadonlySet<string>
}

/**
 * @param issuers who may have signed a list.
 * @throws an error that says what is wrong: an unsigned list, or one of a stranger, revokes nothing and hides a mistake.
 */
export function readRevocationLists(pem: string, issuers: readonly X509Certificate[]): RevocationList[] {
  return readSignedLists(pem).map((list) => {
    const issuer = issuers.find((one) => subjectOf(one).equals(list.issuerName))
    if (!issuer) throw new DerFault('a revocation list of an authority that is not ours')
    if (!isSignedBy(list, issuer))
      throw new DerFault(`the signature of the revocation list of ${issuer.subject} does not hold`)
    const { nextUpdateMs, serials } = list
    return { issuer, ...(nextUpdateMs === undefined ? {} : { nextUpdateMs }), serials }
  })
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

/**
 * Lists whose issuers are met later, in the chains of peers: a proxy knows the roots, not every certificate between them and a
 * leaf. A list counts for the issuer whose name it has and whose key has signed it.
 */
export class Revocations {
  readonly #lists: readonly SignedList[]

  /** @throws DerFault when the text is no list. */
  constructor(pem: string) {
    this.#lists = readSignedLists(pem)
  }

  isRevoked(certificate: X509Certificate, issuer: X509Certificate): boolean {
    const serial = serialText(certificate.serialNumber)
    // The serial first: hardly any certificate stands in a list, and a signature costs.
    return this.#lists.some(
      (list) => list.serials.has(serial) && list.issuerName.equals(subjectOf(issuer)) && isSignedBy(list, issuer),
    )
  }
}

function readSignedLists(pem: string): SignedList[] {
  return readPemBlocks('X509 CRL', pem).map(readList)
}

function isSignedBy({ hash, body, signature }: SignedList, issuer: X509Certificate): boolean {
  return hash !== undefined && verify(hash, body, issuer.publicKey, signature)
}

function readList(der: Buffer): SignedList {
  const [body, algorithm, signature] = readSequence(readOnly(der, tags.sequence))
  const fields = readSequence(body)
  if (fields[0]?.tag === tags.integer) fields.shift()
  const [, name, , next, ...rest] = fields
  const hasNext = next?.tag === tags.utcTime || next?.tag === tags.generalizedTime
  const revoked = (hasNext ? rest : [next, ...rest]).find((part) => part?.tag === tags.sequence)
  const serials = revoked ? readSequence(revoked).map((entry) => readSequence(entry)[0]!.content.toString('hex')) : []
  return {
    issuerName: expectTag(name, tags.sequence).whole,
    body: body!.whole,
    hash: hashes[readOid(readSequence(algorithm)[0])],
    signature: readBitString(signature),
    ...(hasNext ? { nextUpdateMs: readTime(next) } : {}),
    serials: new Set(serials.map(serialText)),
  }
}

/** Without the octet that keeps a number positive. */
function serialText(hex: string): string {
  return hex.replace(/^(00)+/, '').toUpperCase()
}
