/** The labels of Istio's standard metrics, from the record of a request. */

import type { WorkloadIdentity } from '#/model/workload.ts'
import type { RequestRecord, StreamRecord } from '#/proxy/events.ts'
import { type LabelList, unknown } from './family.ts'

export interface LabelContext {
  /** The workload beside which this proxy stands. */
  self: WorkloadIdentity
  /** Its SPIFFE id; absent where it has none. */
  principal?: string
  /** What Istio calls the cluster of a workload: `Kubernetes` unless there are several. */
  clusterId: string
}

/** All labels in Istio's order. Values that nobody knows read `unknown`. */
export function requestLabels(record: RequestRecord, context: LabelContext): LabelList {
  const isGrpc = record.grpcStatus >= 0
  return [
    ...partyLabels(record, context),
    'request_protocol',
    isGrpc ? 'grpc' : 'http',
    'response_code',
    String(record.status),
    ...(isGrpc ? ['grpc_response_status', String(record.grpcStatus)] : []),
    ...endLabels(record),
  ]
}

/** Of `istio_tcp_*`: without what only requests have. */
export function streamLabels(record: StreamRecord, context: LabelContext): LabelList {
  return [...partyLabels(record, context), 'request_protocol', record.transport, ...endLabels(record)]
}

type Party = Pick<RequestRecord, 'direction' | 'peer' | 'endpoint' | 'cluster' | 'peerPrincipal'>

/** Who called whom. Principals are those that both sides have verified. */
function partyLabels(party: Party, { self, clusterId, principal: own }: LabelContext): string[] {
  const { direction, peer, endpoint, cluster, peerPrincipal } = party
  const ownPrincipal = peerPrincipal === '' ? undefined : own
  const isInbound = direction === 'inbound'
  const source = isInbound ? peer : self
  const destination = isInbound ? self : (peer ?? endpoint?.workload)
  const service = cluster?.service
  return [
    'reporter',
    isInbound ? 'destination' : 'source',
    ...workloadLabels('source', source, { clusterId, principal: isInbound ? peerPrincipal : ownPrincipal }),
    ...workloadLabels('destination', destination, { clusterId, principal: isInbound ? ownPrincipal : peerPrincipal }),
    'destination_service',
    service?.host ?? unknown,
    'destination_service_name',
    service?.name ?? unknown,
    'destination_service_namespace',
    service?.namespace ?? (destination?.namespace || unknown),
  ]
}

function endLabels({ direction, flags, peerPrincipal }: Pick<RequestRecord, 'direction' | 'flags' | 'peerPrincipal'>) {
  const policy = peerPrincipal !== '' ? 'mutual_tls' : direction === 'inbound' ? 'none' : unknown
  return ['response_flags', flags || '-', 'connection_security_policy', policy]
}

function workloadLabels(
  side: 'source' | 'destination',
  workload: WorkloadIdentity | undefined,
  { clusterId, principal }: { clusterId: string; principal: string | undefined },
) {
  return [
    `${side}_workload`,
    workload?.workload || unknown,
    `${side}_canonical_service`,
    workload?.app || unknown,
    `${side}_canonical_revision`,
    workload?.version || (workload ? 'latest' : unknown),
    `${side}_workload_namespace`,
    workload?.namespace || unknown,
    `${side}_principal`,
    principal || unknown,
    `${side}_app`,
    workload?.app || unknown,
    `${side}_version`,
    workload?.version || unknown,
    `${side}_cluster`,
    workload ? clusterId : unknown,
  ]
}
