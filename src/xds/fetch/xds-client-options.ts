/** What an xDS client is made with, and what it says of itself. */
import type { Backoff } from '#/std/backoff.ts'
import type { Clock } from '#/std/clock.ts'
import type { HostPort } from '#/std/host-port.ts'
import type { Log } from '#/std/log.ts'
import type { XdsNode } from '../node.ts'
import type { Decode, ResourceKind, ResourceValues } from '../resources/resource.ts'
import type { GrpcStream, GrpcStreamOptions } from '../transport/client/grpc-stream.ts'
import type { LastGoodFile } from './last-good-file.ts'
import type { Rejection, TypeState } from './type-state.ts'

export type Decoders = { [K in ResourceKind]: Decode<ResourceValues[K]> }

export interface XdsClientOptions {
  node: XdsNode
  /** Tried in turn. */
  addresses: readonly HostPort[]
  protocol: 'delta' | 'sotw'
  decoders: Decoders
  openStream: (options: GrpcStreamOptions) => Pick<GrpcStream, 'send' | 'close'>
  backoff: Backoff
  clock: Clock
  log: Log
  /** Where accepted resources outlive the process; none when absent. */
  lastGood?: LastGoodFile
}

export interface XdsClientStatus {
  isConnected: boolean
  address: string
  /** Milliseconds since 1970 of the last change of `isConnected`. */
  sinceMs: number
  reconnects: number
  types: Record<
    ResourceKind,
    { names: string[]; versions: Record<string, string>; acks: number; nacks: number; rejection: Rejection | undefined }
  >
}

export function typeStatus({
  names,
  known,
  acks,
  nacks,
  rejection,
}: TypeState<ResourceKind>): XdsClientStatus['types'][ResourceKind] {
  return { names, versions: Object.fromEntries(known.versions()), acks, nacks, rejection }
}
