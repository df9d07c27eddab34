/** Tokens (JWT, RFC 7519) that requests bring, whom they are believed from, and what is done with them (Envoy: JwtAuthentication). */

/** @see docs/decisions/0015-request-authentication.md */
export interface JwtRules {
  /** Never empty; names are unique. */
  providers: readonly JwtProvider[]
  /** `optional`: a request without a token passes, one with a token that does not hold is refused. `required`: neither passes. */
  requirement: 'optional' | 'required'
}

export interface JwtProvider {
  name: string
  /** What the claim `iss` has to be. */
  issuer: string
  /** The claim `aud` has to hold one of these; empty: anything. */
  audiences: readonly string[]
  /** A JWK set as JSON (RFC 7517); one without keys when none could be had: then no token holds. */
  keySet: string
  /** Where its tokens may stand. None at all: `authorization: Bearer`, and the query parameter `access_token` (RFC 6750). */
  from: JwtPlaces
  /** Claims that the application gets as headers; nobody else can set those. */
  claimsToHeaders: readonly ClaimHeader[]
  /** The application gets the token too. */
  isForwarded: boolean
  /** By how much clocks may differ, 0 or more. */
  clockSkewSeconds: number
}

export interface JwtPlaces {
  /** Names are lower-case. The value begins with `prefix`, the token stands behind it. */
  headers: readonly { name: string; prefix: string }[]
  params: readonly string[]
  cookies: readonly string[]
}

export interface ClaimHeader {
  /** Lower-case. */
  header: string
  /** Dots lead into objects: `realm_access.roles`. */
  claim: string
}

/** Where claims stand for access rules, as in Envoy's dynamic metadata. */
export const jwtMetadata = { namespace: 'envoy.filters.http.jwt_authn', key: 'payload' } as const

/** Of whom a key set without keys is. */
export const emptyKeySet = '{"keys":[]}'
