/** Who a process is: what its TLS contexts are made of. */
import type { KeyObject } from 'node:crypto'

export interface Svid {
  /** `spiffe://TD/ns/NS/sa/SA` */
  spiffeId: string
  /** Leaf first, the root left out. */
  certificateChainPem: string
  /** Never leaves the process. */
  privateKey: KeyObject
  /** The trusted roots of the trust domain. */
  bundlePem: string
  /** Milliseconds since 1970. */
  expiresMs: number
}
