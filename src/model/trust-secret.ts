/** The roots of a trust domain as they are handed to proxies (Envoy: a Secret with a validation context). */

export interface TrustSecret {
  /** `ROOTCA`, the name that Istio's agents use. */
  name: string
  /** The root that signs first. */
  trustedCaPem: string
  /** Revocation lists of plugged-in authorities, PEM. */
  revocations?: { pem: string; isOfLeavesAlone: boolean }
  /** Other trust domains that are trusted, each for its own names alone; with the one that these roots are of. */
  federation?: { trustDomain: string; others: readonly FederatedRoots[] }
}

export interface FederatedRoots {
  trustDomain: string
  pem: string
}

export const rootSecretName = 'ROOTCA'
