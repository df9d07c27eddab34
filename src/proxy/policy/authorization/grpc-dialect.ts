/** Asking by `envoy.service.auth.v3.Authorization/Check`. */
import { getHeader, type HeaderList, joinHeader, type RequestHead } from '#/codec/message.ts'
import type { GrpcAuthorization } from '#/model/external-authorization.ts'
import type { Exchange } from '#/proxy/exchange/exchange.ts'
import { formatGrpcTimeout, parseGrpcStatus } from '#/proxy/policy/grpc.ts'
import type { Answer, Question } from './authorization-call.ts'
import { decodeVerdict, encodeCheck, framePrefixBytes } from './check-message.ts'
import type { Verdict } from './verdict.ts'

export interface Asked {
  exchange: Exchange
  /** Of the request, as far as it is told. */
  body: Uint8Array
  /** Whether it is a part; undefined when none is told. */
  isPartial: boolean | undefined
  timeoutMs: number
}

/** Says whether the body is whole, as Envoy does. */
export const partialBodyHeader = 'x-envoy-auth-partial-body'

export function grpcQuestion(service: GrpcAuthorization, { exchange, body, isPartial, timeoutMs }: Asked): Question {
  const { head, record, entrance } = exchange
  const { listener, original } = entrance
  const [address, port] = splitAddress(exchange)
  const frame = encodeCheck({
    wallMs: record.wallMs,
    id: record.requestId,
    method: head.method,
    scheme: head.scheme,
    host: head.authority,
    path: head.path,
    protocol: head.version,
    headers: toldHeaders(head, service.headers, isPartial),
    bytes: head.bodyLength,
    body,
    source: { address: record.remoteAddress, port: 0, principal: record.peerPrincipal },
    destination: {
      address: original?.host ?? address,
      port: original?.port ?? (port || portOf(listener.name)),
      principal: exchange.entrance.tls?.mesh ? ownId(exchange) : '',
    },
  })
  const headers = ['content-type', 'application/grpc', 'grpc-timeout', formatGrpcTimeout(timeoutMs)]
  traceOf(head, headers)
  return {
    head: {
      method: 'POST',
      scheme: 'http',
      authority: service.cluster,
      path: '/envoy.service.auth.v3.Authorization/Check',
      headers,
      version: 'HTTP/2',
      bodyLength: frame.length,
      upgrade: '',
      expectsContinue: false,
      acceptsTrailers: true,
      isAbsolute: false,
    },
    body: frame,
  }
}

/** The question belongs to the request's trace. */
export function traceOf({ headers }: RequestHead, told: HeaderList): void {
  for (const name of ['x-request-id', 'traceparent', 'tracestate']) {
    const value = getHeader(headers, name)
    if (value !== undefined) told.push(name, value)
  }
}

function splitAddress({ entrance }: Exchange): [string, number] {
  const { address } = entrance.listener.listener
  return [address?.host ?? '', address?.port ?? 0]
}

/** `inbound:8080` */
function portOf(name: string): number {
  return Number(/:(\d+)/.exec(name)?.[1] ?? 0)
}

/** `By=spiffe://…;Hash=…` tells by which certificate of ours it was taken. */
function ownId({ entrance }: Exchange): string {
  return /^By=([^;]*)/.exec(entrance.tls?.mesh?.forwardedCertificate ?? '')?.[1] ?? ''
}

function toldHeaders(
  head: RequestHead,
  names: readonly string[] | undefined,
  isPartial: boolean | undefined,
): Map<string, string> {
  const told = new Map<string, string>()
  if (names) {
    for (const name of names) {
      const value = joinHeader(head.headers, name)
      if (value !== undefined) told.set(name, value)
    }
  } else {
    // As Envoy tells them: pseudo-fields too.
    told
      .set(':authority', head.authority)
      .set(':method', head.method)
      .set(':path', head.path)
      .set(':scheme', head.scheme)
    for (let i = 0; i < head.headers.length; i += 2) {
      const name = head.headers[i]!
      const before = told.get(name)
      told.set(name, before === undefined ? head.headers[i + 1]! : `${before},${head.headers[i + 1]}`)
    }
  }
  if (isPartial !== undefined) told.set(partialBodyHeader, String(isPartial))
  return told
}

export function readGrpcAnswer({ status, headers, body, trailers }: Answer): Verdict {
  if (status !== 200) return { type: 'failed', detail: `it answered with status ${status}` }
  const code = parseGrpcStatus(getHeader(trailers, 'grpc-status') ?? getHeader(headers, 'grpc-status'))
  if (code !== 0) return { type: 'failed', detail: `it answered with grpc-status ${code < 0 ? 'missing' : code}` }
  const view = Buffer.from(body.buffer, body.byteOffset, body.length)
  const isWhole = view.length >= framePrefixBytes && view.readUInt32BE(1) === view.length - framePrefixBytes
  if (!isWhole || view[0] !== 0)
    return { type: 'failed', detail: 'its answer is no single message without compression' }
  return decodeVerdict(view.subarray(framePrefixBytes))
}
