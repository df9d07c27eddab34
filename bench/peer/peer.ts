/** A proxy that is compared, set up to do the same work: route by prefix and header, metrics, access log, request id. */
import type { Kind, Ports } from '../case.ts'

export interface PeerOptions {
  /** Of the backend. */
  upstream: Omit<Ports, 'pair' | 'access'>
  /** To listen on. */
  ports: Ports
  folder: string
  profile: boolean
}

export interface RunningPeer {
  pids(): number[]
  stop(): Promise<void>
}

export interface Peer {
  /** What it can do here. */
  kinds: readonly Kind[]
  start(options: PeerOptions): Promise<RunningPeer>
}
