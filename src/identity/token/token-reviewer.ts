/**
 * Who asks, by a token: on a laptop one that `weft up` has signed. Whatever a token says about how to check it is not listened to:
 * algorithm and key are ours.
 */
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify } from 'jose'
import type { Clock } from '#/std/clock.ts'
import { objectNamePattern, type TokenBearer, tokenAudience, tokenIssuer, tokenLifeMs } from './token-claims.ts'
import type { UsedTokens } from './used-tokens.ts'

/** Counted by this name. */
export type TokenFaultCode =
  | 'token_missing'
  | 'token_too_long'
  | 'token_malformed'
  | 'token_header'
  | 'token_signature'
  | 'token_expired'
  | 'token_claims'
  | 'token_replayed'

export class TokenFault extends Error {
  readonly code: TokenFaultCode

  constructor(code: TokenFaultCode, message: string) {
    super(message)
    this.code = code
  }
}

export interface TokenReviewer {
  /**
   * @param fingerprint of the key that a certificate is asked for: the token serves for that one alone.
   * @throws TokenFault whose message holds nothing of the token.
   */
  review(token: string, fingerprint: string): Promise<TokenBearer>
}

/** Of tokens of Kubernetes with long names, with room. */
const tokenBytesMax = 8192
/** Clocks of one machine agree; this is for its rounding. */
const clockToleranceSeconds = 1

export interface LaptopTokenReviewerOptions {
  key: Uint8Array
  used: UsedTokens
  clock: Clock
}

export class LaptopTokenReviewer implements TokenReviewer {
  readonly #options: LaptopTokenReviewerOptions

  constructor(options: LaptopTokenReviewerOptions) {
    this.#options = options
  }

  async review(token: string, fingerprint: string): Promise<TokenBearer> {
    const { used, clock } = this.#options
    if (token.length > tokenBytesMax) throw new TokenFault('token_too_long', `it is longer than ${tokenBytesMax} bytes`)
    expectPlainHeader(token)
    const payload = await this.#verify(token)
    const bearer = readBearer(payload)
    const nowMs = clock.wallMs()
    if (!used.use(payload.jti!, { expiresMs: payload.exp! * 1000, fingerprint, nowMs }))
      throw new TokenFault('token_replayed', 'it has served already, for another key')
    return bearer
  }

  async #verify(token: string): Promise<JWTPayload> {
    const { key, clock } = this.#options
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: ['HS256'],
        audience: tokenAudience,
        issuer: tokenIssuer,
        requiredClaims: ['exp', 'iat', 'jti', 'sub'],
        maxTokenAge: tokenLifeMs / 1000,
        clockTolerance: clockToleranceSeconds,
        currentDate: new Date(clock.wallMs()),
      })
      return payload
    } catch (error) {
      throw faultOf(error)
    }
  }
}

/** `alg` and `typ` alone: nothing that names a key or where to find one, and nothing critical (RFC 8725 section 3). */
function expectPlainHeader(token: string): void {
  let header: Record<string, unknown>
  try {
    header = decodeProtectedHeader(token) as Record<string, unknown>
  } catch {
    throw new TokenFault('token_malformed', 'it is no JWT')
  }
  const extra = Object.keys(header).filter((name) => name !== 'alg' && name !== 'typ')
  if (extra.length > 0) throw new TokenFault('token_header', 'its header holds more than alg and typ')
  if (header.alg !== 'HS256') throw new TokenFault('token_header', 'its algorithm is not HS256')
}

function faultOf(error: unknown): TokenFault {
  if (error instanceof errors.JWTExpired) return new TokenFault('token_expired', 'it has expired')
  // The message names the claim and what is wrong with it, not its value.
  if (error instanceof errors.JWTClaimValidationFailed)
    return new TokenFault('token_claims', `the claim ${error.claim} will not do`)
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return new TokenFault('token_signature', 'its signature does not hold')
  return new TokenFault('token_malformed', 'it can not be read')
}

interface BoundClaims {
  namespace?: unknown
  pod?: { name?: unknown }
  serviceaccount?: { name?: unknown }
}

function readBearer(payload: JWTPayload): TokenBearer {
  const bound = payload['kubernetes.io'] as BoundClaims | undefined
  const names = [bound?.namespace, bound?.serviceaccount?.name, bound?.pod?.name]
  if (
    !names.every((name) => typeof name === 'string' && objectNamePattern.test(name)) ||
    !/^[\w-]{1,64}$/.test(payload.jti!)
  )
    throw new TokenFault('token_claims', 'it does not name namespace, service account, pod and itself')
  const [namespace, serviceAccount, pod] = names as [string, string, string]
  if (payload.sub !== `system:serviceaccount:${namespace}:${serviceAccount}`)
    throw new TokenFault('token_claims', 'its subject is another')
  return { namespace, serviceAccount, pod }
}
