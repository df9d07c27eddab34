/** How a gRPC call ended, as its fields tell it (gRPC over HTTP/2 protocol, "Responses"). */
import type { HeaderList } from '#/codec/message.ts'
import { getHeader } from '#/codec/message.ts'

export interface GrpcStatus {
  /** https://grpc.io/docs/guides/status-codes/; 14 (unavailable) for a lost connection. */
  code: number
  message: string
}

export const grpcCodes = {
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const

/** @returns nothing when the fields name no status. */
export function readGrpcStatus(fields: HeaderList): GrpcStatus | undefined {
  const code = getHeader(fields, 'grpc-status')
  if (code === undefined) return undefined
  const message = decodeMessage(getHeader(fields, 'grpc-message') ?? '')
  if (/^(\d|1[0-6])$/.test(code)) return { code: Number(code), message }
  return { code: grpcCodes.unknown, message: `grpc-status is ${JSON.stringify(code)}${message && `: ${message}`}` }
}

/** A message with a broken escape is told as it came: an error must not be lost for it (the same protocol). */
function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
