/** Another server is asked about each request before it goes on (Envoy: ExtAuthz). */

/** @see docs/decisions/0015-request-authentication.md */
export interface ExternalAuthorization {
  service: GrpcAuthorization | HttpAuthorization
  /** Of one question with its answer, ms, above 0. */
  timeoutMs: number
  /** What holds when there is no answer, or none that can be understood. */
  onFailure: 'deny' | 'allow'
  /** The status of a refusal for want of an answer. */
  statusOnError: number
  /** Absent: the question is asked without the body. */
  body?: ForwardedBody
}

/** `envoy.service.auth.v3.Authorization/Check`. */
export interface GrpcAuthorization {
  type: 'grpc'
  cluster: string
  /** Headers of the request that are told, lower-case; absent: all. */
  headers?: readonly string[]
}

/** The request's own method and path; 200 allows, 5xx is no answer, all else is given to the client. */
export interface HttpAuthorization {
  type: 'http'
  cluster: string
  /** Host of the question. */
  authority: string
  /** In front of the request's path; empty for none. */
  pathPrefix: string
  /** Headers of the request that are told beside `authorization`, lower-case. */
  headers: readonly string[]
  /** Headers of an answer of 200 that the application gets, in place of the request's own, lower-case; absent: none. */
  requestHeaders?: readonly string[]
  /** Headers of a refusal that the client gets, lower-case; absent: all. */
  clientHeaders?: readonly string[]
}

export interface ForwardedBody {
  /** Above 0. */
  bytesMax: number
  /** A longer body is told up to `bytesMax`; otherwise it is refused with 413. */
  mayBePartial: boolean
}
