/** A log line by hand against `JSON.stringify`: `node src/telemetry/access-log/log-line.bench.ts`. */
import { measure } from '#/proxy/route/testing/measure.ts'
import { buildRecord } from '../testing/record-builder.ts'
import { formatLogLine } from './log-line.ts'

const record = buildRecord({ path: '/reviews/1?user=a', forwardedFor: '10.1.2.3' })

function stringify(): string {
  const { endpoint, cluster, route, peer } = record
  return `${JSON.stringify({
    start_time: new Date(record.wallMs).toISOString(),
    method: record.method,
    path: record.path,
    protocol: record.protocol,
    response_code: record.status,
    response_flags: record.flags,
    response_code_details: 'via_upstream',
    bytes_received: record.requestBytes,
    bytes_sent: record.responseBytes,
    duration: Math.round(record.durationMs),
    upstream_service_time: Math.round(record.firstByteMs),
    x_forwarded_for: record.forwardedFor || null,
    user_agent: record.userAgent || null,
    request_id: record.requestId || null,
    authority: record.authority || null,
    upstream_host: endpoint ? `${endpoint.address}:${endpoint.port}` : null,
    upstream_cluster: cluster?.name ?? null,
    route_name: route?.name ?? null,
    downstream_remote_address: record.remoteAddress,
    traceparent: record.traceparent || null,
    direction: record.direction,
    listener: record.listener,
    peer: peer ? `${peer.pod}.${peer.namespace}` : null,
    attempts: record.attempts,
  })}\n`
}

/**
 * ns a line, by hand and by `JSON.stringify`. Both make the flat bytes that are written, as the writer does: a text of
 * pieces is not free until it is joined.
 */
export function measureLines(iterations: number): { byHandNs: number; byJsonNs: number } {
  const batch = (format: () => string) => (): Buffer => Buffer.from(Array.from({ length: 64 }, format).join(''))
  const byHandNs =
    measure(
      iterations,
      batch(() => formatLogLine(record, { isQueryStripped: false })),
    ) / 64
  return { byHandNs, byJsonNs: measure(iterations, batch(stringify)) / 64 }
}

if (import.meta.main) {
  const { byHandNs, byJsonNs } = measureLines(500)
  console.log(`by hand        ${byHandNs.toFixed(0).padStart(6)} ns a line`)
  console.log(`JSON.stringify ${byJsonNs.toFixed(0).padStart(6)} ns a line`)
}
