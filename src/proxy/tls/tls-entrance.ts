/**
 * TLS that clients begin with us, seen from a listener. What does the work (`server-context.ts`) is loaded when the first
 * such listener is bound.
 */
import type { Socket } from 'node:net'
import type { ServerTls } from '#/model/tls.ts'
import type { PemWatch } from './pem-watch.ts'

/** What a handshake has told of a connection. */
export interface TlsPeer {
  /** What ALPN agreed on: `h2`, `http/1.1`, empty for nothing. */
  protocol: string
  /** SNI, lower-case; empty when the client named none. */
  serverName: string
  /** Names of the client's certificate, URIs first; empty without one. */
  clientNames: readonly string[]
  /**
   * Whether this connection may carry requests for that host: the name that the client asked for, or one of the certificate's.
   * Others are misdirected (RFC 9110 section 15.5.20; RFC 9113 section 9.1.1).
   * @param host without port.
   */
  covers(host: string): boolean
  /** Another sidecar, by its id; absent for TLS of other kinds. */
  mesh?: MeshCaller
}

/** Who has called by mutual TLS of the mesh. */
export interface MeshCaller {
  spiffeId: string
  /** As its id says; empty where that has another form. */
  namespace: string
  serviceAccount: string
  /** The value of `x-forwarded-client-cert` for the application. */
  forwardedCertificate: string
}

/** Told exactly once. */
export interface TlsEntranceOwner {
  /** @param socket decrypted, half-open as the one below it. */
  onSecure(socket: Socket, peer: TlsPeer): void
  /** The connection is closed. For logs and metrics. */
  onHandshakeFailed(detail: string): void
}

export interface TlsEntrance {
  /** Takes a connection over, from its first byte on. */
  accept(socket: Socket, owner: TlsEntranceOwner): void
  /** Stops watching files; connections stay. */
  close(): void
}

export interface TlsEntranceOptions {
  tls: ServerTls
  watch: PemWatch
  /** ms. */
  handshakeTimeoutMs: number
}

/** @returns rejects when a certificate can't be read or does not fit its key; the message says which. */
export async function openTlsEntrance(options: TlsEntranceOptions): Promise<TlsEntrance> {
  const { ServerContext } = await import('./server-context.ts')
  return new ServerContext(options)
}
