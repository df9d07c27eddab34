/** Requests of gRPC: known by their content type, and grpc-web made gRPC where the backend speaks only that. */
import { getHeader } from '#/codec/message.ts'
import type { Exchange } from '#/proxy/exchange/exchange.ts'
import { GrpcCall } from '#/proxy/exchange/grpc-call.ts'
import type { StepOutcome } from '#/proxy/exchange/road.ts'
import { grpcKindOf } from '#/proxy/policy/grpc.ts'

export function readGrpc(exchange: Exchange): StepOutcome {
  const { head } = exchange
  if (head.method !== 'POST') return 'next'
  const kind = grpcKindOf(getHeader(head.headers, 'content-type'))
  if (kind === '') return 'next'
  exchange.grpc = new GrpcCall(kind, head)
  if (kind === 'grpc') head.acceptsTrailers = true
  return 'next'
}

/** Over HTTP/1.1 grpc-web is passed: what stands there may speak it, and gRPC it can't. */
export function translateGrpcWeb(exchange: Exchange): StepOutcome {
  const { grpc, cluster, head, body } = exchange
  if (grpc && grpc.kind !== 'grpc' && cluster!.model.protocol === 'http2') grpc.translateWeb(head, body)
  return 'next'
}
