/**
 * The algorithms (RFC 7518, section 3.1; RFC 8037) by which tokens may be signed. Each takes keys of one kind alone, and none of
 * them a shared key: an issuer's public key can't be mistaken for one (RFC 8725, section 2.1).
 */
import type { KeyObject } from 'node:crypto'

export interface SignatureAlgorithm {
  keyType: 'rsa' | 'ec' | 'ed25519'
  /** Of an elliptic curve, as OpenSSL calls it. */
  curve?: string
  /** Null where the algorithm brings its own (EdDSA). */
  hash: string | null
  isPss?: boolean
  saltBytes?: number
  /** Where there is but one length. */
  signatureBytes?: number
}

const rsa = (hash: string): SignatureAlgorithm => ({ keyType: 'rsa', hash })
const pss = (hash: string, saltBytes: number): SignatureAlgorithm => ({ keyType: 'rsa', hash, isPss: true, saltBytes })
const ec = (hash: string, curve: string, signatureBytes: number): SignatureAlgorithm => ({
  keyType: 'ec',
  hash,
  curve,
  signatureBytes,
})

export const signatureAlgorithms: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ['RS256', rsa('sha256')],
  ['RS384', rsa('sha384')],
  ['RS512', rsa('sha512')],
  ['PS256', pss('sha256', 32)],
  ['PS384', pss('sha384', 48)],
  ['PS512', pss('sha512', 64)],
  ['ES256', ec('sha256', 'prime256v1', 64)],
  ['ES384', ec('sha384', 'secp384r1', 96)],
  ['ES512', ec('sha512', 'secp521r1', 132)],
  ['EdDSA', { keyType: 'ed25519', hash: null, signatureBytes: 64 }],
])

/** RFC 7518, section 3.3. */
const rsaBitsMin = 2048

export function fitsKey({ keyType, curve }: SignatureAlgorithm, key: KeyObject): boolean {
  if (key.asymmetricKeyType !== keyType) return false
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  if (keyType === 'rsa') return modulusLength >= rsaBitsMin
  return curve === undefined || namedCurve === curve
}

/** @param signed the bytes that were signed. */
export function isSignature(
  algorithm: SignatureAlgorithm,
  { key, signed, signature }: { key: KeyObject; signed: Buffer; signature: Buffer },
): boolean {
  if (algorithm.signatureBytes !== undefined && signature.length !== algorithm.signatureBytes) return false
  const { verify, constants } = process.getBuiltinModule('node:crypto')
  if (algorithm.keyType !== 'rsa') return verify(algorithm.hash, signed, { key, dsaEncoding: 'ieee-p1363' }, signature)
  if (!algorithm.isPss) return verify(algorithm.hash, signed, key, signature)
  const padding = constants.RSA_PKCS1_PSS_PADDING
  return verify(algorithm.hash, signed, { key, padding, saltLength: algorithm.saltBytes! }, signature)
}
