/**
 * The one place where a cause becomes an answer: plain text that a person can act on, or a gRPC status for a gRPC client
 * (trailers-only answer; gRPC over HTTP/2, "Responses").
 */
import type { RequestHead, ResponseHead } from '#/codec/message.ts'
import { getHeader } from '#/codec/message.ts'
import type { ErrorCodeName } from '#/std/errors.ts'
import { errorCodes } from '#/std/errors.ts'
import { detailHeader, formatDetail } from './exchange/mesh-header.ts'

export interface Failure {
  code: ErrorCodeName
  detail: string
}

/**
 * @param mayTell the caller is inside the mesh: it gets the detail, in the header and in the text. Others learn the code's
 * meaning only, since a detail names addresses and objects.
 */
export function rescue(
  request: RequestHead,
  { code, detail }: Failure,
  mayTell: boolean,
): { head: ResponseHead; body: Buffer | undefined } {
  const { status, grpc, meaning, cure } = errorCodes[code]
  const told = mayTell ? [detailHeader, formatDetail(code, detail)] : []
  if (getHeader(request.headers, 'content-type')?.startsWith('application/grpc')) {
    const message = mayTell && detail !== '' ? `${meaning} ${detail}` : meaning
    const headers = ['content-type', 'application/grpc', 'grpc-status', String(grpc)]
    headers.push('grpc-message', encodeGrpcMessage(message), ...told)
    return { head: { status: 200, headers, bodyLength: 0, upgrade: '' }, body: undefined }
  }
  const lines = [`${code}: ${meaning}`, ...(mayTell && detail !== '' ? [detail] : []), ...(mayTell ? [cure] : [])]
  const body = Buffer.from(`${lines.join('\n')}\n`)
  const headers = ['content-type', 'text/plain; charset=utf-8', ...told]
  return { head: { status, headers, bodyLength: body.length, upgrade: '' }, body }
}

/** Percent-encoding of gRPC: everything outside printable ASCII, and the percent sign. */
function encodeGrpcMessage(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) =>
      byte < 0x20 || byte > 0x7e || byte === 0x25
        ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
        : String.fromCharCode(byte),
    )
    .join('')
}
