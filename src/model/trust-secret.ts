/** The roots of a trust domain as they are handed to proxies (Envoy: a Secret with a validation context). */

export interface TrustSecret {
  /** `ROOTCA`, the name that Istio's agents use. */
  name: string
  /** The root that signs first. */
  trustedCaPem: string
}

export const rootSecretName = 'ROOTCA'
