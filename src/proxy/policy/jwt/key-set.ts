/** The public keys of an issuer (JWK set, RFC 7517), ready for use. What can't verify a signature of ours is left out. */
import type { KeyObject } from 'node:crypto'
import { fitsKey, type SignatureAlgorithm, signatureAlgorithms } from './signature-algorithm.ts'

interface IssuerKey {
  /** Empty for none. */
  id: string
  /** The one algorithm that it is for (RFC 7517, section 4.4); empty for any that fits it. */
  algorithm: string
  key: KeyObject
}

/** More than any issuer has; a token without `kid` is tried with each that fits. */
const keysMax = 64

export class KeySet {
  readonly #keys: readonly IssuerKey[]

  /** @param text JSON; what is none has no keys. */
  constructor(text: string) {
    this.#keys = readKeys(text)
  }

  get size(): number {
    return this.#keys.length
  }

  /** @param id `kid` of the token: compared, and nothing else. Undefined when it has none. */
  keysFor(name: string, algorithm: SignatureAlgorithm, id: string | undefined): KeyObject[] {
    const found: KeyObject[] = []
    for (const key of this.#keys) {
      const isNamed = id === undefined || key.id === id
      if (isNamed && (key.algorithm === '' || key.algorithm === name) && fitsKey(algorithm, key.key))
        found.push(key.key)
    }
    return found
  }
}

function readKeys(text: string): IssuerKey[] {
  let keys: unknown
  try {
    keys = (JSON.parse(text) as { keys?: unknown } | null)?.keys
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
  return Array.isArray(keys) ? keys.slice(0, keysMax).flatMap(readKey) : []
}

function readKey(jwk: unknown): IssuerKey[] {
  if (typeof jwk !== 'object' || jwk === null) return []
  const { kid = '', alg = '', use = 'sig', key_ops: operations, kty, n, e, crv, x, y } = jwk as Record<string, unknown>
  if (typeof kid !== 'string' || typeof alg !== 'string' || use !== 'sig') return []
  if (Array.isArray(operations) && !operations.includes('verify')) return []
  if (alg !== '' && !signatureAlgorithms.has(alg)) return []
  try {
    const { createPublicKey } = process.getBuiltinModule('node:crypto')
    // Public parts alone: a private key that its owner published by mistake is no more than a public one here.
    const key = createPublicKey({ key: dropUndefined({ kty, n, e, crv, x, y }), format: 'jwk' })
    return [{ id: kid, algorithm: alg, key }]
  } catch {
    // Of a kind that OpenSSL does not know, or damaged: the others still hold.
    return []
  }
}

function dropUndefined(parts: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined))
}
