/**
 * TLS towards the endpoints of a cluster, seen from the pool. What does the work (`client-context.ts`) is loaded when the
 * first cluster with TLS appears: `node:tls` costs memory that a proxy without certificates should not pay.
 */
import type { Socket } from 'node:net'
import type { ClientTls } from '#/model/tls.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import type { ClientContext } from './client-context.ts'
import type { PemWatch } from './pem-watch.ts'

/** Waits for a handshake; told exactly once, unless it is cancelled. */
export interface HandshakeOwner {
  /** @param protocol what ALPN agreed on, empty for nothing. */
  onSecure(socket: Socket, protocol: string): void
  onHandshakeFailed(code: ErrorCodeName, detail: string): void
}

/** Tickets of one endpoint, by which the next handshake is shorter. The latest is last. */
export type SessionTickets = Buffer[]

/** Whom to expect, where it differs from endpoint to endpoint; in place of what the context says. */
export interface PeerExpectation {
  serverName: string
  /** One of which the certificate must have; absent for any. */
  subjectNames?: readonly string[]
  alpn: readonly string[]
}

export interface Handshake {
  /** Connected. */
  socket: Socket
  tickets: SessionTickets
  peer?: PeerExpectation | undefined
  owner: HandshakeOwner
}

/** How a handshake that is under way is given up; the owner hears nothing more. */
export type CancelHandshake = () => void

export class TlsExit {
  readonly #tls: ClientTls
  readonly #watch: PemWatch
  #context: ClientContext | undefined
  #loading: Promise<ClientContext> | undefined
  #isClosed = false

  constructor(tls: ClientTls, watch: PemWatch) {
    this.#tls = tls
    this.#watch = watch
  }

  get model(): ClientTls {
    return this.#tls
  }

  start(handshake: Handshake): CancelHandshake {
    if (this.#context) return this.#context.start(handshake)
    let isCancelled = false
    let cancel: CancelHandshake = () => undefined
    this.#loading ??= this.#load()
    this.#loading.then(
      (context) => {
        if (!isCancelled) cancel = context.start(handshake)
      },
      (error: unknown) => {
        if (isCancelled) return
        const detail = error instanceof Error ? error.message : String(error)
        handshake.owner.onHandshakeFailed('upstream_tls_failed', detail)
      },
    )
    return () => {
      isCancelled = true
      cancel()
    }
  }

  close(): void {
    this.#isClosed = true
    this.#context?.close()
  }

  async #load(): Promise<ClientContext> {
    const { ClientContext } = await import('./client-context.ts')
    this.#context ??= new ClientContext(this.#tls, this.#watch)
    if (this.#isClosed) this.#context.close()
    return this.#context
  }
}
