/** A key and the request for a certificate of it (PKCS #10, RFC 2986). Names are left out: the authority gives them. */
import { generateKeyPair, type KeyObject, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { bitString, element, formatPem, oid, sequence, smallInteger } from '../der/der-writer.ts'

const generate = promisify(generateKeyPair)

export interface KeyRequest {
  privateKey: KeyObject
  /** PEM. */
  request: string
}

/** A fresh P-256 key each time: what a leaf that leaked could do ends with it. */
export async function newKeyRequest(): Promise<KeyRequest> {
  const { privateKey, publicKey } = await generate('ec', { namedCurve: 'prime256v1' })
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const info = sequence(smallInteger(0), sequence(), spki, element(0xa0))
  // ecdsa-with-SHA256 (RFC 5758 section 3.2).
  const algorithm = sequence(oid('1.2.840.10045.4.3.2'))
  const der = sequence(info, algorithm, bitString(sign('sha256', info, privateKey)))
  return { privateKey, request: formatPem('CERTIFICATE REQUEST', der) }
}
