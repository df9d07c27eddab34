/** One stream of opaque bytes, filled on its way and handed over when it is over. */
import type { Socket } from 'node:net'
import type { Cluster } from '#/model/cluster.ts'
import type { Endpoint } from '#/model/endpoint.ts'
import type { TrafficDirection } from '#/model/listener.ts'
import type { WorkloadIdentity } from '#/model/workload.ts'
import type { ProxyContext } from '#/proxy/proxy-context.ts'
import type { ListenerEntry } from '#/proxy/table/listener-table.ts'
import type { TlsPeer } from '#/proxy/tls/tls-entrance.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import type { HostPort } from '#/std/host-port.ts'

export interface StreamRecord {
  readonly direction: TrafficDirection
  /** Clock.monotonicMs when the connection was taken; `wallMs` is the same instant since 1970. */
  readonly startMs: number
  readonly wallMs: number
  readonly listener: string
  /** Without port. */
  readonly remoteAddress: string
  transport: 'tcp' | 'udp'
  /** SNI, empty for none. */
  serverName: string
  routeName: string
  cluster: Cluster | undefined
  endpoint: Endpoint | undefined
  /** The other side, when it is known. */
  peer: WorkloadIdentity | undefined
  /** Verified SPIFFE id of the other side, empty without mutual TLS. */
  peerPrincipal: string
  /** What a redirected connection was made to; 0 where none was. */
  readonly originalPort: number
  /** Names of the access rules that refused it, and that asked for it to be told; empty for none. */
  deniedBy: string
  auditedBy: string
  /** From the client, and to it, bytes. */
  receivedBytes: number
  sentBytes: number
  /** Why it ended early; empty when both sides ended it. */
  code: ErrorCodeName | ''
  detail: string
  /** Envoy's short response flags, `-` for none. */
  flags: string
  attempts: number
  durationMs: number
}

/** How it was found out what a connection speaks. `server-first`: the endpoint spoke before the client. */
export type DetectionOutcome = 'http' | 'tls' | 'opaque' | 'server-first' | 'timeout'

export interface StreamStart {
  entry: ListenerEntry
  socket: Pick<Socket, 'remoteAddress'>
  context: Pick<ProxyContext, 'clock'>
  startMs: number
  tls?: TlsPeer
  original: HostPort | undefined
}

/** As it begins. */
export function newStreamRecord({ entry, socket, context, startMs, tls, original }: StreamStart): StreamRecord {
  return {
    direction: entry.listener.direction,
    startMs,
    wallMs: context.clock.wallMs(),
    listener: entry.name,
    remoteAddress: socket.remoteAddress ?? '',
    transport: 'tcp',
    serverName: '',
    routeName: '',
    cluster: undefined,
    endpoint: undefined,
    peer: undefined,
    peerPrincipal: tls?.mesh?.spiffeId ?? '',
    originalPort: original?.port ?? 0,
    deniedBy: '',
    auditedBy: '',
    receivedBytes: 0,
    sentBytes: 0,
    code: '',
    detail: '',
    flags: '-',
    attempts: 0,
    durationMs: 0,
  }
}
