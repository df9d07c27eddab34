/** What a connection is entered with whose bytes may be opaque. */
import type { Socket } from 'node:net'
import type { HttpConnection } from '#/proxy/listener/http-entrance.ts'
import type { ProxyContext } from '#/proxy/proxy-context.ts'
import type { ListenerEntry } from '#/proxy/table/listener-table.ts'
import type { TlsPeer } from '#/proxy/tls/tls-entrance.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import type { HostPort } from '#/std/host-port.ts'

/** A client that asked for a tunnel and waits for the answer. Told exactly once, unless it leaves. */
export interface TunnelClient {
  onEstablished(): void
  /** It is for the client to close. */
  onRefused(code: ErrorCodeName, detail: string): void
}

export interface StreamEntranceOptions {
  entry: ListenerEntry
  /** What a redirected connection was made to, or a tunnel asked for. */
  original: HostPort | undefined
  tunnel?: TunnelClient
  /** What TLS has told, where it is ended already. */
  tls?: TlsPeer
  context: ProxyContext
  /** Makes an HTTP connection of it: `early` was read already. */
  enterHttp: (socket: Socket, early: Buffer | undefined) => HttpConnection
  /** Called once when the connection is gone, unless HTTP has taken over. */
  onClosed: () => void
}
