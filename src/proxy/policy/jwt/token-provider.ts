/** One issuer that is believed: its keys, and the rules that its tokens have to keep (RFC 7519, section 7.2; RFC 8725). */
import type { JwtProvider } from '#/model/authentication.ts'
import type { CompactToken } from './compact-token.ts'
import { KeySet } from './key-set.ts'
import { isSignature, signatureAlgorithms } from './signature-algorithm.ts'
import { TokenFault } from './token-fault.ts'
import { claimHeaders, type VerifiedToken } from './verified-token.ts'

export class TokenProvider {
  readonly model: JwtProvider
  readonly #keys: KeySet

  constructor(model: JwtProvider) {
    this.model = model
    this.#keys = new KeySet(model.keySet)
  }

  /** What costs least is looked at first, the signature last: floods of stale tokens cost no arithmetic. */
  verify(token: CompactToken, nowSeconds: number): VerifiedToken | TokenFault {
    if (this.#keys.size === 0) return new TokenFault('jwks_unavailable', `provider ${this.model.name} has no keys`)
    const verified = this.#readClaims(token)
    if (verified instanceof TokenFault) return verified
    return timeFault(verified, nowSeconds) ?? this.#signatureFault(token) ?? verified
  }

  #readClaims({ claims }: CompactToken): VerifiedToken | TokenFault {
    const { name, issuer, audiences, clockSkewSeconds, claimsToHeaders } = this.model
    const { iss, sub, aud, exp, nbf } = claims
    if (iss !== issuer) return new TokenFault('jwt_issuer', '')
    if (!isAudience(aud, audiences)) return new TokenFault('jwt_audience', `provider ${name}`)
    if (sub !== undefined && typeof sub !== 'string') return new TokenFault('jwt_malformed', 'sub is no text')
    if (!isTime(exp)) return new TokenFault('jwt_malformed', 'exp is no number')
    if (!isTime(nbf)) return new TokenFault('jwt_malformed', 'nbf is no number')
    return {
      providerName: name,
      claims,
      principal: sub === undefined ? '' : `${issuer}/${sub}`,
      notBeforeSeconds: (nbf ?? Number.NEGATIVE_INFINITY) - clockSkewSeconds,
      expiresSeconds: (exp ?? Number.POSITIVE_INFINITY) + clockSkewSeconds,
      headers: claimHeaders(claims, claimsToHeaders),
    }
  }

  #signatureFault({ algorithm: name, keyId, signed, signature }: CompactToken): TokenFault | undefined {
    const algorithm = signatureAlgorithms.get(name)
    if (!algorithm) return new TokenFault('jwt_algorithm', '')
    const keys = this.#keys.keysFor(name, algorithm, keyId)
    if (keys.length === 0) return new TokenFault('jwt_unknown_key', `provider ${this.model.name}`)
    for (const key of keys) if (isSignature(algorithm, { key, signed, signature })) return undefined
    return new TokenFault('jwt_signature', `provider ${this.model.name}`)
  }
}

/** @returns undefined while the token holds. */
export function timeFault(token: VerifiedToken, nowSeconds: number): TokenFault | undefined {
  if (nowSeconds >= token.expiresSeconds) return new TokenFault('jwt_expired', `provider ${token.providerName}`)
  if (nowSeconds < token.notBeforeSeconds) return new TokenFault('jwt_not_yet_valid', `provider ${token.providerName}`)
  return undefined
}

function isTime(value: unknown): value is number | undefined {
  return value === undefined || (typeof value === 'number' && Number.isFinite(value))
}

function isAudience(aud: unknown, wanted: readonly string[]): boolean {
  if (wanted.length === 0) return true
  const said: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  return said.some((one) => typeof one === 'string' && wanted.includes(one))
}
