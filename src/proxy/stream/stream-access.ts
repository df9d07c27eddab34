/** Whether a connection may be made: of bytes nothing more is known than who sends them, and where to. */
import type { Socket } from 'node:net'
import type { StreamRoute } from '#/model/listener.ts'
import type { AccessTable } from '#/proxy/policy/access/access-table.ts'
import { connectionTable } from '#/proxy/policy/access/listener-access.ts'
import type { ListenerEntry } from '#/proxy/table/listener-table.ts'
import type { TlsPeer } from '#/proxy/tls/tls-entrance.ts'
import type { HostPort } from '#/std/host-port.ts'
import { findStreamRoute, type WarmStreams } from './stream-table.ts'

export interface ConnectionQuestion {
  /** Verified ids of the client; empty when it has none. */
  principals: readonly string[]
  /** Of the client, as text. */
  address: string
  /** What a redirected connection was made to; 0 where none was. */
  port: number
}

/** @param ofListener where the route says nothing of it. @returns undefined where nothing is asked. */
export function tableOf({ access }: StreamRoute, ofListener: AccessTable | undefined): AccessTable | undefined {
  return access ? connectionTable(access) : ofListener
}

/** A connection at a listener, and what TLS has told of it. */
export interface ConnectionOrigin {
  entry: Pick<ListenerEntry, 'access'>
  tls?: Pick<TlsPeer, 'clientNames'>
  original: HostPort | undefined
}

export function questionOf(
  { tls, original }: ConnectionOrigin,
  socket: Pick<Socket, 'remoteAddress'>,
): ConnectionQuestion {
  return { principals: tls?.clientNames ?? [], address: socket.remoteAddress ?? '', port: original?.port ?? 0 }
}

/** Before it is known what a silent client speaks its endpoint is dialled only if the client may speak anything. */
export function mayDialEarly({ routes, refusal }: WarmStreams, origin: ConnectionOrigin, socket: Socket): boolean {
  if (refusal) return false
  const route = findStreamRoute(routes, { serverName: '', port: origin.original?.port })
  const table = route && tableOf(route, origin.entry.access)
  return table?.decide(questionOf(origin, socket)).isAllowed ?? true
}
