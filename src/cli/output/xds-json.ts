/** Encoded resources as the JSON that Envoy's documentation and `config_dump` show. */
import { createRegistry, type DescMessage, fromBinary, type JsonValue, toJson } from '@bufbuild/protobuf'
import { ClusterSchema } from '#/xds/proto/envoy/config/cluster/v3/cluster_pb.ts'
import { ClusterLoadAssignmentSchema } from '#/xds/proto/envoy/config/endpoint/v3/endpoint_pb.ts'
import { ListenerSchema } from '#/xds/proto/envoy/config/listener/v3/listener_pb.ts'
import { RouteConfigurationSchema } from '#/xds/proto/envoy/config/route/v3/route_pb.ts'
import { ClusterConfigSchema } from '#/xds/proto/envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster_pb.ts'
import { CorsPolicySchema, CorsSchema } from '#/xds/proto/envoy/extensions/filters/http/cors/v3/cors_pb.ts'
import { ExtAuthzSchema } from '#/xds/proto/envoy/extensions/filters/http/ext_authz/v3/ext_authz_pb.ts'
import {
  JwtAuthenticationSchema,
  PerRouteConfigSchema,
} from '#/xds/proto/envoy/extensions/filters/http/jwt_authn/v3/config_pb.ts'
import { RBACSchema } from '#/xds/proto/envoy/extensions/filters/http/rbac/v3/rbac_pb.ts'
import { RouterSchema } from '#/xds/proto/envoy/extensions/filters/http/router/v3/router_pb.ts'
import { HttpInspectorSchema } from '#/xds/proto/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.ts'
import { OriginalDstSchema } from '#/xds/proto/envoy/extensions/filters/listener/original_dst/v3/original_dst_pb.ts'
import { TlsInspectorSchema } from '#/xds/proto/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts'
import { HttpConnectionManagerSchema } from '#/xds/proto/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import { RBACSchema as NetworkRBACSchema } from '#/xds/proto/envoy/extensions/filters/network/rbac/v3/rbac_pb.ts'
import { TcpProxySchema } from '#/xds/proto/envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy_pb.ts'
import { SecretSchema } from '#/xds/proto/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts'
import {
  DownstreamTlsContextSchema,
  UpstreamTlsContextSchema,
} from '#/xds/proto/envoy/extensions/transport_sockets/tls/v3/tls_pb.ts'
import { HttpProtocolOptionsSchema } from '#/xds/proto/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.ts'
import type { ResourceKind } from '#/xds/resources/resource.ts'

const schemas: Record<ResourceKind, DescMessage> = {
  secret: SecretSchema,
  listener: ListenerSchema,
  route: RouteConfigurationSchema,
  cluster: ClusterSchema,
  assignment: ClusterLoadAssignmentSchema,
}

/** What stands packed (Any) inside them. */
const registry = createRegistry(
  ClusterConfigSchema,
  CorsPolicySchema,
  CorsSchema,
  DownstreamTlsContextSchema,
  ExtAuthzSchema,
  HttpConnectionManagerSchema,
  HttpInspectorSchema,
  HttpProtocolOptionsSchema,
  JwtAuthenticationSchema,
  NetworkRBACSchema,
  OriginalDstSchema,
  PerRouteConfigSchema,
  RBACSchema,
  RouterSchema,
  TcpProxySchema,
  TlsInspectorSchema,
  UpstreamTlsContextSchema,
)

/** @param bytes of one resource. Field names are those of the protos, as Envoy writes them. */
export function messageAsJson(kind: ResourceKind, bytes: Uint8Array): JsonValue {
  const schema = schemas[kind]
  return toJson(schema, fromBinary(schema, bytes), { registry, useProtoFieldName: true })
}
