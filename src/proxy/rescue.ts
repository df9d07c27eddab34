/**
 * The one place where a cause becomes an answer: plain text that a person can act on, or a gRPC status for a gRPC client
 * (trailers-only answer; gRPC over HTTP/2, "Responses").
 */
import type { ResponseHead } from '#/codec/message.ts'
import type { ErrorCode, ErrorCodeName } from '#/std/errors.ts'
import { errorCodes } from '#/std/errors.ts'
import { detailHeader, formatDetail } from './exchange/mesh-header.ts'
import { encodeGrpcMessage } from './policy/grpc.ts'

export interface Failure {
  code: ErrorCodeName
  detail: string
}

export interface RescueOptions {
  /**
   * The caller is inside the mesh: it gets the detail, in the header and in the text. Others learn the code's meaning only,
   * since a detail names addresses and objects.
   */
  mayTell: boolean
  /** Content type of a client of gRPC, or of grpc-web, which reads a status in the head too. Empty for others. */
  grpcType: string
}

export function rescue(
  { code, detail }: Failure,
  { mayTell, grpcType }: RescueOptions,
): { head: ResponseHead; body: Buffer | undefined } {
  const { status, grpc, meaning, cure, challenge }: ErrorCode = errorCodes[code]
  const told = challenge === undefined ? [] : ['www-authenticate', challenge]
  if (mayTell) told.push(detailHeader, formatDetail(code, detail))
  if (grpcType !== '') {
    const message = mayTell && detail !== '' ? `${meaning} ${detail}` : meaning
    const headers = ['content-type', grpcType, 'grpc-status', String(grpc)]
    headers.push('grpc-message', encodeGrpcMessage(message), ...told)
    return { head: { status: 200, headers, bodyLength: 0, upgrade: '' }, body: undefined }
  }
  const lines = [`${code}: ${meaning}`, ...(mayTell && detail !== '' ? [detail] : []), ...(mayTell ? [cure] : [])]
  const body = Buffer.from(`${lines.join('\n')}\n`)
  const headers = ['content-type', 'text/plain; charset=utf-8', ...told]
  return { head: { status, headers, bodyLength: body.length, upgrade: '' }, body }
}
