/**
 * Reads a request for a certificate (PKCS #10, RFC 2986). Of what it says only the public key counts, and the proof that who asks
 * holds its private half: names, extensions and attributes are the authority's to choose.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto'
import {
  DerFault,
  expectTag,
  readBitString,
  readOid,
  readOnly,
  readPemBlocks,
  readSequence,
} from '../der/der-reader.ts'
import { tags } from '../der/der-writer.ts'

/** Of the PEM text. A request with an RSA key of 4096 bits takes 1.7 KB. */
export const requestBytesMax = 8192

/** The request can't be granted; the message says why. */
export class RequestFault extends Error {}

/** Signature algorithms that are verified, with the hash (RFC 5758 section 3.2, RFC 4055 section 5). */
const hashes: Readonly<Record<string, { hash: string; keyType: string }>> = {
  '1.2.840.10045.4.3.2': { hash: 'sha256', keyType: 'ec' },
  '1.2.840.10045.4.3.3': { hash: 'sha384', keyType: 'ec' },
  '1.2.840.113549.1.1.11': { hash: 'sha256', keyType: 'rsa' },
  '1.2.840.113549.1.1.12': { hash: 'sha384', keyType: 'rsa' },
}

export interface CertificateRequest {
  publicKey: KeyObject
  /** Attributes or a subject came along: refused wishes, for the log. */
  hasWishes: boolean
}

/** @throws RequestFault */
export function readCertificateRequest(pem: string): CertificateRequest {
  if (pem.length > requestBytesMax) throw new RequestFault(`a request is longer than ${requestBytesMax} bytes`)
  try {
    return readRequest(pem)
  } catch (error) {
    if (error instanceof DerFault) throw new RequestFault(error.message)
    throw error
  }
}

function readRequest(pem: string): CertificateRequest {
  const [der, ...others] = readPemBlocks('CERTIFICATE REQUEST', pem)
  if (!der || others.length > 0) throw new RequestFault(`${others.length + (der ? 1 : 0)} requests in place of one`)
  const [info, algorithm, signature, ...more] = readSequence(readOnly(der, tags.sequence))
  if (more.length > 0) throw new RequestFault('something stands behind the signature')
  const [version, subject, spki, attributes] = readSequence(info)
  if (expectTag(version, tags.integer).content.toString('hex') !== '00') throw new RequestFault('an unknown version')
  const publicKey = readKey(expectTag(spki, tags.sequence).whole)
  const known = hashes[readOid(readSequence(algorithm)[0])]
  if (!known || known.keyType !== publicKey.asymmetricKeyType)
    throw new RequestFault('a signature of another kind than its key')
  if (!verify(known.hash, info!.whole, publicKey, readBitString(signature)))
    throw new RequestFault('the signature does not prove that who asks holds the key')
  return {
    publicKey,
    hasWishes: (attributes?.content.length ?? 0) > 0 || expectTag(subject, tags.sequence).content.length > 0,
  }
}

/**
 * P-256 and P-384, RSA from 2048 to 4096 bits: what TLS stacks of peers take. The SPIFFE standards leave keys open; Envoy (BoringSSL)
 * takes no Ed25519, so that a workload with such a key would be an island.
 */
function readKey(spki: Buffer): KeyObject {
  let key: KeyObject
  try {
    key = createPublicKey({ key: spki, type: 'spki', format: 'der' })
  } catch (error) {
    throw new RequestFault(`its public key can not be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  const { asymmetricKeyType: type, asymmetricKeyDetails: { namedCurve = '', modulusLength = 0 } = {} } = key
  const isTaken =
    type === 'ec'
      ? namedCurve === 'prime256v1' || namedCurve === 'secp384r1'
      : type === 'rsa' && modulusLength >= 2048 && modulusLength <= 4096
  if (!isTaken) throw new RequestFault(`a key of type ${type} ${namedCurve || modulusLength || ''}`.trimEnd())
  return key
}
