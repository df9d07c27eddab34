/** LoadAssignment → envoy.config.endpoint.v3.ClusterLoadAssignment. */
import { create, toBinary } from '@bufbuild/protobuf'
import type { Endpoint, LoadAssignment } from '#/model/endpoint.ts'
import { HealthStatus } from '#/xds/proto/envoy/config/core/v3/health_check_pb.ts'
import { type LbEndpoint, LbEndpointSchema } from '#/xds/proto/envoy/config/endpoint/v3/endpoint_components_pb.ts'
import type { ClusterLoadAssignment } from '#/xds/proto/envoy/config/endpoint/v3/endpoint_pb.ts'
import { ClusterLoadAssignmentSchema } from '#/xds/proto/envoy/config/endpoint/v3/endpoint_pb.ts'
import type { Encode } from '../resource.ts'
import { addressOf } from './any.ts'
import { weftMetadata } from './weft-metadata.ts'

/** Endpoints that take mutual TLS (Envoy: `Cluster.transport_socket_matches`). */
export const meshTransportMatch = { tls: 'mesh' } as const
const transportMatchKey = 'envoy.transport_socket_match'

const healthStatus = {
  healthy: HealthStatus.HEALTHY,
  draining: HealthStatus.DRAINING,
  unhealthy: HealthStatus.UNHEALTHY,
} as const

function endpointMessage(endpoint: Endpoint): LbEndpoint {
  const { address, port, health, weight, workload, isMeshed, tls } = endpoint
  const metadata = weftMetadata({
    meshed: isMeshed,
    namespace: workload?.namespace,
    workload: workload?.workload,
    pod: workload?.pod,
    service_account: workload?.serviceAccount,
    app: workload?.app,
    version: workload?.version,
    spiffe_id: tls?.spiffeId,
  })
  // For an Envoy: which of its cluster's transport sockets.
  if (metadata && tls) metadata.filterMetadata[transportMatchKey] = { ...meshTransportMatch }
  return create(LbEndpointSchema, {
    hostIdentifier: { case: 'endpoint', value: { address: addressOf({ host: address, port }) } },
    healthStatus: healthStatus[health],
    loadBalancingWeight: weight,
    ...(metadata ? { metadata } : {}),
  })
}

export function assignmentMessage(assignment: LoadAssignment): ClusterLoadAssignment {
  const { name, endpoints } = assignment
  return create(ClusterLoadAssignmentSchema, {
    clusterName: name,
    endpoints:
      endpoints.length === 0
        ? []
        : [{ locality: {}, loadBalancingWeight: 1, lbEndpoints: endpoints.map(endpointMessage) }],
  })
}

export const encodeAssignment: Encode<LoadAssignment> = (assignment) =>
  toBinary(ClusterLoadAssignmentSchema, assignmentMessage(assignment))
