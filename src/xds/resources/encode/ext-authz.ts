/** ExternalAuthorization → envoy.extensions.filters.http.ext_authz.v3.ExtAuthz. */
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import type { ExternalAuthorization } from '#/model/external-authorization.ts'
import { ApiVersion } from '#/xds/proto/envoy/config/core/v3/config_source_pb.ts'
import { ExtAuthzSchema } from '#/xds/proto/envoy/extensions/filters/http/ext_authz/v3/ext_authz_pb.ts'
import type { StatusCode } from '#/xds/proto/envoy/type/v3/http_status_pb.ts'
import { durationOf, packAny } from './any.ts'
import type { HttpFilterEncoder } from './http-filter.ts'

type Init = Exclude<MessageInitShape<typeof ExtAuthzSchema>, { $typeName: string }>

/** Names of headers, exact and without case. */
function namesOf(names: readonly string[]) {
  return {
    patterns: names.map((name) => ({ matchPattern: { case: 'exact' as const, value: name }, ignoreCase: true })),
  }
}

function serviceOf({ service, timeoutMs }: ExternalAuthorization): Pick<Init, 'services' | 'allowedHeaders'> {
  const timeout = durationOf(timeoutMs)
  if (service.type === 'grpc') {
    const target = { case: 'envoyGrpc' as const, value: { clusterName: service.cluster } }
    return {
      services: { case: 'grpcService', value: { targetSpecifier: target, timeout } },
      ...(service.headers ? { allowedHeaders: namesOf(service.headers) } : {}),
    }
  }
  const { cluster, authority, pathPrefix, headers, requestHeaders, clientHeaders } = service
  return {
    services: {
      case: 'httpService',
      value: {
        serverUri: {
          uri: `http://${authority}`,
          httpUpstreamType: { case: 'cluster', value: cluster },
          timeout,
        },
        pathPrefix,
        authorizationResponse: {
          ...(requestHeaders ? { allowedUpstreamHeaders: namesOf(requestHeaders) } : {}),
          ...(clientHeaders ? { allowedClientHeaders: namesOf(clientHeaders) } : {}),
        },
      },
    },
    allowedHeaders: namesOf(headers),
  }
}

export const extAuthzEncoder: HttpFilterEncoder = {
  name: 'envoy.filters.http.ext_authz',
  encode({ externalAuthorization }) {
    if (!externalAuthorization) return undefined
    const { body, onFailure, statusOnError } = externalAuthorization
    const message = create(ExtAuthzSchema, {
      ...serviceOf(externalAuthorization),
      transportApiVersion: ApiVersion.V3,
      failureModeAllow: onFailure === 'allow',
      statusOnError: { code: statusOnError as StatusCode },
      ...(body
        ? {
            withRequestBody: {
              maxRequestBytes: body.bytesMax,
              allowPartialMessage: body.mayBePartial,
              packAsBytes: true,
            },
          }
        : {}),
    })
    return packAny(ExtAuthzSchema, message)
  },
  /** Workloads ask, routes do not. */
  encodeRoute: () => undefined,
}
