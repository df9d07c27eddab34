/**
 * Every way a request can fail in the proxy, declared once. `docs/reference/errors.md` is generated from this table,
 * the access log, the metrics and the `weft-detail` header carry the code, and `src/proxy/rescue.ts` alone turns a
 * code into an answer.
 */

import { clientErrors } from './client-errors.ts'
import { tokenErrors } from './token-errors.ts'

export interface ErrorCode {
  /** The HTTP status answered when nothing of the answer has been sent yet. */
  readonly status: number
  /** The gRPC status answered to a gRPC client (https://grpc.io/docs/guides/status-codes/). */
  readonly grpc: number
  /** Envoy's short response flag (access log `%RESPONSE_FLAGS%`), `-` for none. */
  readonly flag: string
  /** True when not one byte of the request reached the application, so that anybody may send it again. */
  readonly isUnsent: boolean
  /** How a client may prove who it is: `www-authenticate` of the answer (RFC 9110, section 11.6.1). */
  readonly challenge?: string
  readonly meaning: string
  readonly cure: string
}

const unsent = { isUnsent: true } as const
const sent = { isUnsent: false } as const

export const errorCodes = {
  ...clientErrors,
  ...tokenErrors,
  route_not_found: {
    status: 404,
    grpc: 12,
    flag: 'NR',
    ...unsent,
    meaning: 'The host is known but no route of it matches the request.',
    cure: 'Look at the matches of the routes attached to this Service: `weft proxy config NAME`.',
  },
  host_not_found: {
    status: 404,
    grpc: 12,
    flag: 'NR',
    ...unsent,
    meaning: 'No Service of the mesh has this host name and port.',
    cure: 'Check the name and the port; a Service in another namespace is called as NAME.NAMESPACE.',
  },
  misdirected: {
    status: 421,
    grpc: 12,
    flag: 'NR',
    ...unsent,
    meaning: 'The request was meant for another workload.',
    cure: 'The client reused a connection for another host; it should open a new one.',
  },
  invalid_backend: {
    status: 500,
    grpc: 14,
    flag: 'NC',
    ...unsent,
    meaning: 'The chosen backendRef names a Service that does not exist or may not be referenced.',
    cure: 'The status of the route names the reference; create the Service or add a ReferenceGrant.',
  },
  cluster_not_found: {
    status: 503,
    grpc: 14,
    flag: 'NC',
    ...unsent,
    meaning: 'The route names a cluster that the control plane has not sent.',
    cure: 'A fault of the control plane: see `weft proxy status`.',
  },
  no_healthy_upstream: {
    status: 503,
    grpc: 14,
    flag: 'UH',
    ...unsent,
    meaning: 'The Service has no ready endpoint.',
    cure: 'Check that its pods run and are ready, and that the selector and targetPort of the Service fit them.',
  },
  upstream_connect_failed: {
    status: 503,
    grpc: 14,
    flag: 'UF',
    ...unsent,
    meaning: 'No connection to the endpoint could be made.',
    cure: 'The detail names the endpoint and the cause; is the process listening there?',
  },
  upstream_connect_timeout: {
    status: 503,
    grpc: 14,
    flag: 'UF',
    ...unsent,
    meaning: 'The endpoint did not accept a connection in time.',
    cure: 'Is the endpoint overloaded or unreachable? The setting is `connectTimeoutMs`.',
  },
  upstream_tls_failed: {
    status: 503,
    grpc: 14,
    flag: 'UF',
    ...unsent,
    meaning: 'The TLS handshake with the endpoint failed.',
    cure: 'The detail names the fault: does the endpoint speak TLS on this port, and do both sides have a version and a certificate in common?',
  },
  upstream_tls_untrusted: {
    status: 503,
    grpc: 14,
    flag: 'UF',
    ...unsent,
    meaning: 'The certificate of the endpoint is not one that this proxy trusts for it.',
    cure: 'The detail names the fault; check the CA and the names that are expected of the destination.',
  },
  upstream_refused: {
    status: 503,
    grpc: 14,
    flag: 'UR',
    ...unsent,
    meaning: 'The endpoint said that it did not begin with the request (GOAWAY or REFUSED_STREAM of HTTP/2).',
    cure: 'The endpoint is going away or has too many streams; other endpoints were tried.',
  },
  upstream_takes_no_upgrade: {
    status: 501,
    grpc: 12,
    flag: 'UPE',
    ...unsent,
    meaning: 'The endpoint takes no upgrade over HTTP/2 (RFC 8441).',
    cure: 'Let the port say that it speaks HTTP/1.1 (`appProtocol: kubernetes.io/ws`).',
  },
  upstream_overflow: {
    status: 503,
    grpc: 8,
    flag: 'UO',
    ...unsent,
    meaning: 'The limit of connections or waiting requests to the destination is reached.',
    cure: 'Scale the destination or raise the limit.',
  },
  upstream_reset: {
    status: 502,
    grpc: 14,
    flag: 'UC',
    ...sent,
    meaning: 'The endpoint closed the connection before the answer was complete.',
    cure: 'Did it crash or is its keep-alive time shorter than the time of the request? See its own log.',
  },
  upstream_protocol_error: {
    status: 502,
    grpc: 13,
    flag: 'UPE',
    ...sent,
    meaning: 'The answer of the endpoint breaks the rules of HTTP.',
    cure: 'The detail names the broken rule; mend the application.',
  },
  request_timeout: {
    status: 504,
    grpc: 4,
    flag: 'UT',
    ...sent,
    meaning: 'The whole request took longer than the timeout of its route.',
    cure: 'Raise `timeouts.request` of the rule or make the destination faster.',
  },
  backend_timeout: {
    status: 504,
    grpc: 4,
    flag: 'UT',
    ...sent,
    meaning: 'One attempt took longer than `timeouts.backendRequest`.',
    cure: 'Raise `timeouts.backendRequest` of the rule or make the destination faster.',
  },
  client_gone: {
    status: 499,
    grpc: 1,
    flag: 'DC',
    ...sent,
    meaning: 'The client closed its connection before the answer was complete.',
    cure: 'Nothing to mend in the mesh; the client gave up.',
  },
  config_missing: {
    status: 503,
    grpc: 14,
    flag: 'NC',
    ...unsent,
    meaning: 'The proxy has not yet learnt of the destination: the control plane did not answer in time.',
    cure: 'Is the control plane running? `weft proxy status` shows the connection.',
  },
  overloaded: {
    status: 503,
    grpc: 14,
    flag: 'OM',
    ...unsent,
    meaning: 'The proxy is short of memory and takes no new requests until it has some again.',
    cure: 'Raise the memory limit of the sidecar, or find out what holds so much: slow readers, or very many connections.',
  },
  draining: {
    status: 503,
    grpc: 14,
    flag: 'UH',
    ...unsent,
    meaning: 'The proxy is going away and takes no new requests.',
    cure: 'Try again: another replica answers.',
  },
  loop_detected: {
    status: 508,
    grpc: 13,
    flag: 'LR',
    ...unsent,
    meaning: 'The request would come back to the proxy that sends it.',
    cure: 'The host resolves to the sidecar itself; call the Service by its name.',
  },
  extension_failed: {
    status: 500,
    grpc: 13,
    flag: '-',
    ...sent,
    meaning: 'A fault inside the proxy.',
    cure: 'Please report it with the log line that has the same request id.',
  },
} as const satisfies Record<string, ErrorCode>

export type ErrorCodeName = keyof typeof errorCodes

/** A request that fails for a declared reason. `detail` names the object or rule at fault, never a secret. */
export class RequestError extends Error {
  readonly code: ErrorCodeName
  readonly detail: string

  constructor(code: ErrorCodeName, detail: string, cause?: unknown) {
    super(`${code}: ${detail}`, cause === undefined ? undefined : { cause })
    this.name = 'RequestError'
    this.code = code
    this.detail = detail
  }
}
