/** The labels of Istio's standard metrics, from the record of a request. */

import type { WorkloadIdentity } from '#/model/workload.ts'
import type { RequestRecord } from '#/proxy/events.ts'
import { type LabelList, unknown } from './family.ts'

export interface LabelContext {
  /** The workload beside which this proxy stands. */
  self: WorkloadIdentity
  /** What Istio calls the cluster of a workload: `Kubernetes` unless there are several. */
  clusterId: string
}

/**
 * All labels in Istio's order. Values that nobody knows read `unknown`. Principals and `connection_security_policy` are
 * those of plain text: nothing is authenticated yet.
 */
export function requestLabels(record: RequestRecord, { self, clusterId }: LabelContext): LabelList {
  const isInbound = record.direction === 'inbound'
  const peer = record.peer ?? record.endpoint?.workload
  const source = isInbound ? record.peer : self
  const destination = isInbound ? self : peer
  const service = record.cluster?.service
  const isGrpc = record.grpcStatus >= 0
  return [
    'reporter',
    isInbound ? 'destination' : 'source',
    ...workloadLabels('source', source, clusterId),
    ...workloadLabels('destination', destination, clusterId),
    'destination_service',
    service?.host ?? unknown,
    'destination_service_name',
    service?.name ?? unknown,
    'destination_service_namespace',
    service?.namespace ?? (destination?.namespace || unknown),
    'request_protocol',
    isGrpc ? 'grpc' : 'http',
    'response_code',
    String(record.status),
    ...(isGrpc ? ['grpc_response_status', String(record.grpcStatus)] : []),
    'response_flags',
    record.flags || '-',
    'connection_security_policy',
    isInbound ? 'none' : unknown,
  ]
}

function workloadLabels(side: 'source' | 'destination', workload: WorkloadIdentity | undefined, clusterId: string) {
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
    unknown,
    `${side}_app`,
    workload?.app || unknown,
    `${side}_version`,
    workload?.version || unknown,
    `${side}_cluster`,
    workload ? clusterId : unknown,
  ]
}
