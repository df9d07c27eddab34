/** What an answer or a fault says of the endpoint: a status of HTTP, whatever protocol it came in. */
import type { HeaderList, ResponseHead } from '#/codec/message.ts'
import { getHeader } from '#/codec/message.ts'
import { grpcKindOf, parseGrpcStatus } from '#/proxy/policy/grpc.ts'
import type { ErrorCodeName } from '#/std/errors.ts'

/** Statuses of gRPC that speak against the server (google.rpc.Code): 500 and above, as Envoy maps them. */
const statusOfGrpc = new Map([
  [2, 500],
  [4, 504],
  [12, 501],
  [13, 500],
  [14, 503],
  [15, 500],
])

/** An answer of gRPC that has only begun. */
export function waitsForTrailers({ status, headers }: ResponseHead): boolean {
  return status === 200 && grpcKindOf(getHeader(headers, 'content-type')) === 'grpc'
}

/** @param headers that hold `grpc-status`, if any does: of an answer without a body, or trailers. */
export function judgedStatus(status: number, headers: HeaderList | undefined): number {
  if (status !== 200 || headers === undefined) return status
  return statusOfGrpc.get(parseGrpcStatus(getHeader(headers, 'grpc-status'))) ?? status
}

/** The endpoint is at fault, not this proxy's own limits. */
export function isLocalFault(code: ErrorCodeName): boolean {
  return code.startsWith('upstream_') && code !== 'upstream_overflow' && code !== 'upstream_takes_no_upgrade'
}
