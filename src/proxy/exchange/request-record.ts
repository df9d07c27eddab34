/** The record of a request as it begins; the exchange fills in the rest. */
import { getHeader } from '#/codec/message.ts'
import type { ServerStream } from '#/codec/stream.ts'
import type { TrafficDirection } from '#/model/listener.ts'
import type { RequestRecord } from '#/proxy/events.ts'
import type { Clock } from '#/std/clock.ts'

interface RecordOptions {
  context: { clock: Clock }
  direction: TrafficDirection
  listener: string
}

export function newRecord(stream: ServerStream, { context, direction, listener }: RecordOptions): RequestRecord {
  const { head, remoteAddress } = stream
  const { headers } = head
  return {
    direction,
    startMs: context.clock.monotonicMs(),
    wallMs: context.clock.wallMs(),
    method: head.method,
    authority: head.authority,
    path: head.path,
    protocol: head.version,
    userAgent: getHeader(headers, 'user-agent') ?? '',
    requestId: '',
    traceparent: getHeader(headers, 'traceparent') ?? '',
    forwardedFor: getHeader(headers, 'x-forwarded-for') ?? '',
    remoteAddress,
    listener,
    route: undefined,
    cluster: undefined,
    endpoint: undefined,
    peer: undefined,
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
