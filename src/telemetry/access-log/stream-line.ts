/** A stream of opaque bytes as one line of JSON, under the names that requests have where they have the same. */
import type { StreamRecord } from '#/proxy/events.ts'
import { endpointAddress } from './endpoint-address.ts'
import { formatTime } from './log-line.ts'

/** Ends with a line feed. */
export function formatStreamLine(record: StreamRecord): string {
  const { endpoint, cluster, code, detail, peer } = record
  return `${JSON.stringify({
    start_time: formatTime(record.wallMs),
    protocol: record.transport,
    response_flags: record.flags || '-',
    response_code_details: code === '' ? null : detail === '' ? code : `${code}; ${detail}`,
    bytes_received: record.receivedBytes,
    bytes_sent: record.sentBytes,
    duration: Math.round(record.durationMs),
    requested_server_name: record.serverName || null,
    upstream_host: endpoint ? endpointAddress(endpoint) : null,
    upstream_cluster: cluster?.name ?? null,
    route_name: record.routeName || null,
    downstream_remote_address: record.remoteAddress || null,
    direction: record.direction,
    listener: record.listener,
    peer: peer ? `${peer.pod}.${peer.namespace}` : null,
    attempts: record.attempts,
  })}\n`
}
