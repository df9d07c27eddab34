/**
 * What a token of the laptop says: the claims of a projected token of Kubernetes, so that what reads one reads the other
 * (kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken).
 */

/** Who asks, as the token tells it. */
export interface TokenBearer {
  namespace: string
  serviceAccount: string
  pod: string
}

export const tokenIssuer = 'weft-up'
/** A token for another service is no good here. */
export const tokenAudience = 'weft-ca'
/** Of a token, ms: long enough for a laptop that was closed over lunch, since it also serves once. */
export const tokenLifeMs = 3_600_000

/** Names of objects of Kubernetes (RFC 1123), so that none can end a path of a SPIFFE id early. */
export const objectNamePattern = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/
