/** What a gRPC request has beyond HTTP: a deadline, and a status that tells how it ended, wherever that stands. */
import type { HeaderList, RequestHead, ResponseHead } from '#/codec/message.ts'
import { getHeader } from '#/codec/message.ts'
import type { GrpcKind } from '#/proxy/policy/grpc.ts'
import {
  encodeGrpcMessage,
  grpcKindOf,
  grpcStatusOfHttp,
  parseGrpcStatus,
  parseGrpcTimeout,
} from '#/proxy/policy/grpc.ts'
import { GrpcWeb } from './grpc-web.ts'
import type { RequestBody } from './request-body.ts'

export class GrpcCall {
  readonly kind: Exclude<GrpcKind, ''>
  /** Content type of our own answers, which is the client's. */
  readonly contentType: string
  /** What the client gives it, ms; 0 for no bound. */
  readonly timeoutMs: number
  /** Set when it is sent on as gRPC proper. */
  web: GrpcWeb | undefined
  /** -1 until it is known. */
  status = -1
  #isAnswering = false

  constructor(kind: Exclude<GrpcKind, ''>, { headers }: RequestHead) {
    this.kind = kind
    this.contentType = getHeader(headers, 'content-type')!
    const timeoutMs = parseGrpcTimeout(getHeader(headers, 'grpc-timeout'))
    // A time of nothing is over at once; 0 is our word for no bound.
    this.timeoutMs = timeoutMs === undefined ? 0 : Math.max(1, timeoutMs)
  }

  /** For a backend that speaks gRPC only. */
  translateWeb(head: RequestHead, body: RequestBody | undefined): void {
    if (this.kind === 'grpc') return
    this.web = new GrpcWeb(head, this.kind === 'web-text')
    // While the destination was looked up a part of the body may have come.
    body?.translate(this.web)
  }

  onHead(head: ResponseHead, isEnd: boolean): void {
    const { headers, status } = head
    this.status = parseGrpcStatus(getHeader(headers, 'grpc-status'))
    const isGrpc = grpcKindOf(getHeader(headers, 'content-type')) !== ''
    this.#isAnswering = isGrpc && this.status < 0 && !isEnd
    // Without a status of gRPC the one of HTTP counts, as clients take it.
    if (this.status < 0 && (isEnd || !isGrpc)) this.status = grpcStatusOfHttp(status)
    this.web?.takeHead(head)
  }

  onEnd(trailers: HeaderList | undefined): void {
    if (!this.#isAnswering) return
    this.#isAnswering = false
    const status = trailers ? parseGrpcStatus(getHeader(trailers, 'grpc-status')) : -1
    // In grpc-web that is passed as it is the trailers stand in the body, unseen by us.
    if (status >= 0 || this.kind === 'grpc' || this.web) this.status = status < 0 ? 2 : status
  }

  /** Messages have gone to the client, or may have: a failure can still be told in trailers. */
  get mayTellStatus(): boolean {
    return this.#isAnswering && (this.kind === 'grpc' || this.web !== undefined)
  }
}

/** The trailers by which the proxy itself ends a call. */
export function statusTrailers(status: number, message: string): HeaderList {
  return ['grpc-status', String(status), 'grpc-message', encodeGrpcMessage(message)]
}
