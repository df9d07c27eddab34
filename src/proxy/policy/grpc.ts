/** What the proxy knows of gRPC: its content types, timeouts and statuses (gRPC over HTTP2; grpc-web protocol). */
import { parseLength } from '#/codec/http1/syntax.ts'

/** `web-text` is base64. Empty: no gRPC. */
export type GrpcKind = '' | 'grpc' | 'web' | 'web-text'

const grpcType = 'application/grpc'

/** By the content type of a POST: `application/grpc`, alone or with `+` or `;` behind, and the two of grpc-web. */
export function grpcKindOf(contentType: string | undefined): GrpcKind {
  if (contentType === undefined || !contentType.startsWith(grpcType)) return ''
  const rest = contentType.slice(grpcType.length)
  if (isSuffix(rest)) return 'grpc'
  if (rest.startsWith('-web-text') && isSuffix(rest.slice(9))) return 'web-text'
  return rest.startsWith('-web') && isSuffix(rest.slice(4)) ? 'web' : ''
}

function isSuffix(rest: string): boolean {
  return rest === '' || rest.startsWith('+') || rest.startsWith(';')
}

const unitMs: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 }

/** @returns ms; undefined for what is no timeout (at most 8 digits and a unit). */
export function parseGrpcTimeout(text: string | undefined): number | undefined {
  if (text === undefined || !/^[0-9]{1,8}[HMSmun]$/.test(text)) return undefined
  return Number(text.slice(0, -1)) * unitMs[text.slice(-1)]!
}

/** Rounded down, so that a hop never has more time than the one before it; the finest unit that holds it in 8 digits. */
export function formatGrpcTimeout(timeoutMs: number): string {
  const ms = Math.max(0, timeoutMs)
  if (ms < 10_000) return `${Math.floor(ms * 1000)}u`
  if (ms < 1e8) return `${Math.floor(ms)}m`
  return ms < 1e11 ? `${Math.floor(ms / 1000)}S` : '99999999S'
}

const ofHttp = new Map([
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
  [502, 14],
  [503, 14],
  [504, 14],
])

/** What a client takes an answer without `grpc-status` for (http-grpc-status-mapping). */
export function grpcStatusOfHttp(status: number): number {
  return ofHttp.get(status) ?? 2
}

/** @returns -1 for what is no status. */
export function parseGrpcStatus(text: string | undefined): number {
  if (text === undefined || text.length === 0 || text.length > 2) return -1
  return parseLength(text)
}

/** Percent-encoding of `grpc-message`: everything outside printable ASCII, and the percent sign. */
export function encodeGrpcMessage(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) =>
      byte < 0x20 || byte > 0x7e || byte === 0x25
        ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
        : String.fromCharCode(byte),
    )
    .join('')
}
