/** envoy.extensions.filters.http.ext_authz.v3 → ExternalAuthorization. */
import type { ExternalAuthorization } from '#/model/external-authorization.ts'
import type { FieldReader } from './field-reader.ts'
import type { HttpFilterDecoder } from './http-filter.ts'
import { expectBoolean } from './part.ts'

/** Envoy's own, of a service that names none, ms. */
const defaultTimeoutMs = 200

/** Envoy's names for what may be answered when the server can't be asked. */
const statuses: Readonly<Record<string, number>> = {
  Unauthorized: 401,
  Forbidden: 403,
  TooManyRequests: 429,
  InternalServerError: 500,
  BadGateway: 502,
  ServiceUnavailable: 503,
  GatewayTimeout: 504,
}

function readStatus(config: FieldReader): number {
  const name = config.message('status_on_error')?.enumeration('code', 'Empty') ?? 'Empty'
  const status = statuses[name === 'Empty' ? 'Forbidden' : name]
  if (status === undefined)
    config.fault('status_on_error', `only ${Object.keys(statuses).join(', ')} are supported by this proxy`)
  return status ?? 403
}

/** Names of headers; other patterns are faults. */
function readNames(list: FieldReader | undefined): string[] | undefined {
  return list?.messages('patterns').map((pattern) => {
    // Names of headers count without case anyway.
    pattern.ignore('ignore_case')
    if (!pattern.has('exact')) pattern.fault('', 'only exact names of headers are supported by this proxy')
    return pattern.string('exact').toLowerCase()
  })
}

type Service = Pick<ExternalAuthorization, 'service' | 'timeoutMs'>

function readGrpc(config: FieldReader, grpc: FieldReader): Service {
  const target = grpc.message('envoy_grpc')
  if (!target) grpc.fault('', 'only envoy_grpc is supported by this proxy')
  const headers = readNames(config.message('allowed_headers'))
  const cluster = target?.string('cluster_name') ?? ''
  return {
    service: { type: 'grpc', cluster, ...(headers ? { headers } : {}) },
    timeoutMs: grpc.durationMs('timeout') ?? defaultTimeoutMs,
  }
}

/** Of `http://authz.shop:9000/check`. */
function authorityOf(uri: string): string {
  return /^https?:\/\/([^/]*)/.exec(uri)?.[1] ?? ''
}

function readHttp(config: FieldReader, http: FieldReader): Service {
  const server = http.message('server_uri')
  if (!server) http.fault('server_uri', 'is missing')
  const answer = http.message('authorization_response')
  const requestHeaders = readNames(answer?.message('allowed_upstream_headers'))
  const clientHeaders = readNames(answer?.message('allowed_client_headers'))
  return {
    service: {
      type: 'http',
      cluster: server?.string('cluster') ?? '',
      authority: authorityOf(server?.string('uri') ?? ''),
      pathPrefix: http.string('path_prefix'),
      headers: readNames(config.message('allowed_headers')) ?? [],
      ...(requestHeaders ? { requestHeaders } : {}),
      ...(clientHeaders ? { clientHeaders } : {}),
    },
    timeoutMs: server?.durationMs('timeout') ?? defaultTimeoutMs,
  }
}

function readBody(config: FieldReader): Pick<ExternalAuthorization, 'body'> {
  const body = config.message('with_request_body')
  if (!body) return {}
  const bytesMax = body.number('max_request_bytes')
  if (bytesMax === 0) body.fault('max_request_bytes', 'must be above 0')
  // As bytes or as text: this proxy tells bytes, which can't be damaged.
  body.ignore('pack_as_bytes')
  return { body: { bytesMax, mayBePartial: body.boolean('allow_partial_message') } }
}

function readExtAuthz(config: FieldReader): ExternalAuthorization {
  const grpc = config.message('grpc_service')
  const http = config.message('http_service')
  if (!grpc && !http) config.fault('', 'has neither grpc_service nor http_service')
  expectBoolean(config, 'enable_dynamic_metadata_ingestion', true)
  const version = config.enumeration('transport_api_version', 'AUTO')
  if (grpc && version !== 'V3') config.fault('transport_api_version', 'only V3 is supported by this proxy')
  // Counters of Envoy, and checks that this proxy always makes.
  config.ignore('stat_prefix', 'charge_cluster_response_stats', 'validate_mutations', 'clear_route_cache')
  return {
    ...(http ? readHttp(config, http) : readGrpc(config, grpc ?? config)),
    onFailure: config.boolean('failure_mode_allow') ? 'allow' : 'deny',
    statusOnError: readStatus(config),
    ...readBody(config),
  }
}

export const extAuthzDecoder: HttpFilterDecoder = {
  typeName: 'envoy.extensions.filters.http.ext_authz.v3.ExtAuthz',
  routeTypeName: 'envoy.extensions.filters.http.ext_authz.v3.ExtAuthzPerRoute',
  read(config, filters) {
    filters.externalAuthorization = readExtAuthz(config)
  },
  readRoute(config) {
    config.fault('', 'unsupported by this proxy: a listener asks for all its routes alike')
  },
}
