/** Errors about who a request is from and what another server says of it: tokens (JWT) and external authorisation. */
import type { ErrorCode } from './errors.ts'

/** A token that does not hold (RFC 6750, section 3.1, `invalid_token`). */
const refused = {
  status: 401,
  grpc: 16,
  flag: 'UAEX',
  isUnsent: false,
  challenge: 'Bearer error="invalid_token"',
} as const

export const tokenErrors = {
  jwt_missing: {
    ...refused,
    challenge: 'Bearer',
    meaning: 'The workload asks for a token, and the request has none.',
    cure: 'Send one as `authorization: Bearer …`, or where the AuthenticationPolicy looks for it.',
  },
  jwt_ambiguous: {
    ...refused,
    meaning: 'The request has several tokens that differ.',
    cure: 'Send one: which of them holds must not depend on who looks.',
  },
  jwt_too_large: {
    ...refused,
    meaning: 'The token is longer than 16 KiB.',
    cure: 'Let its issuer put less into it.',
  },
  jwt_malformed: {
    ...refused,
    meaning: 'The token is no signed JWT in compact form, or can be read in two ways.',
    cure: 'The detail names the part; encrypted tokens (JWE) and opaque ones are not taken.',
  },
  jwt_critical_header: {
    ...refused,
    meaning: 'The header of the token names extensions that must be understood (`crit`), and none is.',
    cure: 'Let its issuer leave them out.',
  },
  jwt_algorithm: {
    ...refused,
    meaning: 'The token is signed by an algorithm that is not taken, or not at all (`none`).',
    cure: 'Use RS, PS or ES with SHA-256, 384 or 512, or EdDSA; shared keys (HS) are never taken.',
  },
  jwt_issuer: {
    ...refused,
    meaning: 'The token is of an issuer that is not believed here.',
    cure: 'Compare its claim `iss`, letter by letter, with the issuers of the AuthenticationPolicy.',
  },
  jwt_audience: {
    ...refused,
    meaning: 'The token is meant for somebody else.',
    cure: 'Compare its claim `aud` with the audiences of the AuthenticationPolicy.',
  },
  jwt_expired: { ...refused, meaning: 'The time of the token is over.', cure: 'Get a new one; are the clocks right?' },
  jwt_not_yet_valid: {
    ...refused,
    meaning: 'The time of the token has not come.',
    cure: 'Are the clocks right? `clockSkewSeconds` says by how much they may differ.',
  },
  jwt_unknown_key: {
    ...refused,
    meaning: 'No key of the issuer fits the token.',
    cure: 'Was the key changed just now? The control plane looks for new ones every minute.',
  },
  jwt_signature: {
    ...refused,
    meaning: 'The signature of the token is not that of its issuer.',
    cure: 'Somebody changed the token, or made it up.',
  },
  jwks_unavailable: {
    status: 503,
    grpc: 14,
    flag: 'UAEX',
    isUnsent: false,
    meaning: "The issuer's keys are not known, so that no token can be believed.",
    cure: 'Can the control plane reach `jwksUri`? Its log and the status of the AuthenticationPolicy say why not.',
  },
  authorization_denied: {
    status: 403,
    grpc: 7,
    flag: 'UAEX',
    isUnsent: false,
    meaning: 'The authorisation server refused the request.',
    cure: 'Its own log says why; the answer is its own where it gave one.',
  },
  authorization_unavailable: {
    status: 403,
    grpc: 7,
    flag: 'UAEX',
    isUnsent: false,
    meaning: 'The authorisation server gave no answer, and without one nobody may pass.',
    cure: 'The detail names the cause; `failureMode: Allow` would let requests pass.',
  },
  authorization_body_too_large: {
    status: 413,
    grpc: 8,
    flag: 'UAEX',
    isUnsent: false,
    meaning: 'The body is longer than the authorisation server is given.',
    cure: 'Raise `forwardBody.maxSize`, or let it be told a part (`allowPartial: true`).',
  },
} as const satisfies Record<string, ErrorCode>
