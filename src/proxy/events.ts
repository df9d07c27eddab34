/**
 * What the request path announces. One implementation listens (`src/telemetry/`); the path itself knows no metric, log
 * or trace. Calls are synchronous and must not throw; records are read-only to the listener and may be kept.
 */

import type { Cluster } from '#/model/cluster.ts'
import type { Endpoint } from '#/model/endpoint.ts'
import type { TrafficDirection } from '#/model/listener.ts'
import type { Route } from '#/model/route.ts'
import type { WorkloadIdentity } from '#/model/workload.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import type { DetectionOutcome, StreamRecord } from './stream/stream-record.ts'

export type { DetectionOutcome, StreamRecord } from './stream/stream-record.ts'

/** One request, filled on its way through the proxy and handed over when it is over. */
export interface RequestRecord {
  readonly direction: TrafficDirection
  /** Clock.monotonicMs at the first byte of the head; `wallMs` is the same instant since 1970. */
  readonly startMs: number
  readonly wallMs: number
  method: string
  authority: string
  path: string
  protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2'
  userAgent: string
  requestId: string
  /** W3C `traceparent`, empty when absent. */
  traceparent: string
  /** `x-forwarded-for` as it came, empty when absent. For the access log. */
  forwardedFor?: string
  /** Without port. */
  remoteAddress: string
  listener: string
  route: Route | undefined
  cluster: Cluster | undefined
  endpoint: Endpoint | undefined
  /** The other side: for inbound the caller (from its sidecar's metadata), for outbound the endpoint's workload. */
  peer: WorkloadIdentity | undefined
  /** Verified SPIFFE id of the other side, empty without mutual TLS. */
  peerPrincipal: string
  /** The client's connection is TLS, of the mesh or not. */
  readonly isEncrypted: boolean
  /** What a redirected connection was made to; 0 where none was. */
  readonly originalPort: number
  /** Names of the access rules that refused it, and that asked for it to be told; empty for none. */
  deniedBy: string
  auditedBy: string
  /** 0 when no answer was sent. */
  status: number
  /** gRPC status from trailers or head, -1 when it is no gRPC. */
  grpcStatus: number
  /** Why the proxy answered itself, or what broke; empty when nothing did. */
  code: ErrorCodeName | ''
  detail: string
  /** Envoy's short response flags, `-` for none. */
  flags: string
  requestBytes: number
  responseBytes: number
  /** Tries made, 0 when none was. */
  attempts: number
  /** From the start to the first byte of the answer, and to the end, ms. -1 when it did not come. */
  firstByteMs: number
  durationMs: number
}

/** What became of a call to a host that nobody knows. */
/** `failed`: refused for want of an answer; `passed_unasked`: let through for want of one. */
export type AuthorizationOutcome = 'allowed' | 'denied' | 'failed' | 'passed_unasked'

export type UnknownHostOutcome = 'passed' | 'refused'

export interface ProxyEvents {
  onConnection(listener: string): void
  onConnectionClosed(listener: string): void
  /** The codec refused bytes. `code` is a key of `errorCodes`. */
  onMalformed(listener: string, code: string, detail: string): void
  /** A client's connection was closed because it had no request for too long. Absent: nobody listens. */
  onIdleClosed?(listener: string): void
  onUpstreamConnection(cluster: string): void
  onUpstreamConnectionClosed(cluster: string): void
  onUpstreamConnectFailed(cluster: string, address: string, detail: string): void
  /** A request is over. Exactly once a request. */
  onEnd(record: RequestRecord): void
  /** A stream has found its endpoint, and is over (without the first when it found none). Absent: nobody listens. */
  onStreamOpen?(record: StreamRecord): void
  onStreamEnd?(record: StreamRecord): void
  /** It was found out what a connection speaks, after so many ms. */
  onDetected?(listener: string, outcome: DetectionOutcome, afterMs: number): void
  /** A call was made to `host:port`, which is neither a Service nor an ExternalService. Absent: nobody listens. */
  onUnknownHost?(host: string, kind: 'request' | 'stream', outcome: UnknownHostOutcome): void
  /** An authorisation server was asked about a request. Absent: nobody listens. */
  onAuthorization?(outcome: AuthorizationOutcome): void
}
