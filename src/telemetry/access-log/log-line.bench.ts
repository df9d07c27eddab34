/** A log line as bytes against its text and `JSON.stringify`: `node src/telemetry/access-log/log-line.bench.ts`. */
import { measure } from '#/proxy/route/testing/measure.ts'
import { buildRecord } from '../testing/record-builder.ts'
import { writeLogLine } from './line-bytes.ts'
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

const options = { isQueryStripped: false }
const bytes = Buffer.allocUnsafe(65_536)

/** ns a line: as bytes, as text that is then written, and by `JSON.stringify`. */
export function measureLines(iterations: number): { bytesNs: number; textNs: number; jsonNs: number } {
  const bytesNs = measure(iterations, () => writeLogLine(bytes, 0, record, options))
  const textNs = measure(iterations, () => bytes.write(formatLogLine(record, options)))
  return { bytesNs, textNs, jsonNs: measure(iterations, () => bytes.write(stringify())) }
}

if (import.meta.main) {
  const { bytesNs, textNs, jsonNs } = measureLines(20_000)
  console.log(`bytes          ${bytesNs.toFixed(0).padStart(6)} ns a line`)
  console.log(`text           ${textNs.toFixed(0).padStart(6)} ns a line`)
  console.log(`JSON.stringify ${jsonNs.toFixed(0).padStart(6)} ns a line`)
}
