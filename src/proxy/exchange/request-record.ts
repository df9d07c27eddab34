/** The record of a request as it begins; the exchange fills in the rest. */
import type { ServerStream } from '#/codec/stream.ts'
import type { TrafficDirection } from '#/model/listener.ts'
import type { RequestRecord } from '#/proxy/events.ts'
import type { Clock } from '#/std/clock.ts'
import type { Entrance } from './road.ts'

interface RecordOptions {
  context: { clock: Clock }
  direction: TrafficDirection
  entrance: Entrance
}

export function newRecord(stream: ServerStream, { context, direction, entrance }: RecordOptions): RequestRecord {
  const { head, remoteAddress } = stream
  const { listener, original, tls } = entrance
  const { headers } = head
  let userAgent = ''
  let requestId = ''
  let traceparent = ''
  let forwardedFor = ''
  // One pass for all; of a repeated field the last counts, which is the one that the nearest hop added.
  for (let i = 0; i < headers.length; i += 2) {
    switch (headers[i]) {
      case 'user-agent':
        userAgent = headers[i + 1]!
        break
      case 'x-request-id':
        requestId = headers[i + 1]!
        break
      case 'traceparent':
        traceparent = headers[i + 1]!
        break
      case 'x-forwarded-for':
        forwardedFor = headers[i + 1]!
    }
  }
  return {
    direction,
    startMs: context.clock.monotonicMs(),
    wallMs: context.clock.wallMs(),
    method: head.method,
    authority: head.authority,
    path: head.path,
    protocol: head.version,
    userAgent,
    requestId,
    traceparent,
    forwardedFor,
    remoteAddress,
    listener: listener.name,
    route: undefined,
    cluster: undefined,
    endpoint: undefined,
    peer: undefined,
    peerPrincipal: tls?.mesh?.spiffeId ?? '',
    isEncrypted: tls !== undefined,
    originalPort: original?.port ?? 0,
    deniedBy: '',
    auditedBy: '',
    status: 0,
    grpcStatus: -1,
    code: '',
    detail: '',
    flags: '-',
    requestBytes: 0,
    responseBytes: 0,
    attempts: 0,
    firstByteMs: -1,
    durationMs: -1,
  }
}
