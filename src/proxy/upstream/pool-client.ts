/** Who asks a pool for a connection, and what the pool is made of. */
import type { ClientConnection } from '#/codec/stream.ts'
import type { ConnectionBudget } from '#/proxy/health/connection-budget.ts'
import type { PeerExpectation, SessionTickets, TlsExit } from '#/proxy/tls/tls-exit.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import type { HostPort } from '#/std/host-port.ts'

/** Waits for a connection; told exactly once, perhaps during `acquire`, unless cancelled. */
export interface PoolClient {
  /** The request may not be sent twice, so a connection that is about to be closed by the endpoint would lose it. */
  readonly isRepeatable: boolean
  /** It asks for another protocol: only a connection that is known to take this will do. */
  readonly isUpgrade?: boolean
  onConnection(connection: ClientConnection, isReused: boolean): void
  onConnectFailed(code: ErrorCodeName, detail: string): void
}

export type HttpVersion = 'http1' | 'http2'

export interface EndpointPoolOptions {
  target: HostPort
  /** Name of the cluster, for metrics. */
  cluster: string
  connectTimeoutMs: number
  /** The target is a name that somebody else chose: it could lead back here. */
  mayLoop: boolean
  /** What is spoken when ALPN does not say otherwise. */
  version: HttpVersion
  tls: TlsExit | undefined
  /** Where the context does not say whom to expect. */
  peer?: PeerExpectation | undefined
  /** Of the endpoint, whatever carries them. */
  tickets?: SessionTickets
  /** The bytes with which each connection begins, before TLS. */
  preamble?: Buffer | undefined
  /** What all endpoints of the cluster may have together; it may change. */
  budget?: () => ConnectionBudget | undefined
  /** Nothing is connected or waits any more. */
  onEmpty?: () => void
}
