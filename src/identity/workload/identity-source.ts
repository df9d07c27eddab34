/** Where a process has its identity from: our authority, or an issuer behind the SPIFFE Workload API. */
import type { Watched } from '#/std/watched.ts'
import type { Svid } from './svid.ts'

export interface IdentitySource {
  /** The present leaf with its key and roots; none before the first. */
  readonly svid: Watched<Svid>
  readonly trustDomain: string
  /** The issuer could not be reached in the last attempt: nothing is known against us. */
  readonly isUnreachable: boolean
  /** Why there is no leaf, or why the present one was not renewed; empty when all is well. */
  readonly reason: string
  start(): void
  stop(): void
  /** The control plane's word on the trusted roots, the one that signs first. */
  setRoots(pem: string): void
}
