import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StreamRecord } from '#/proxy/events.ts'
import { ManualClock } from '#/std/clock.ts'
import { formatStreamLine } from './access-log/stream-line.ts'
import { expose } from './metric/exposition.ts'
import { createTelemetry } from './telemetry.ts'
import { buildRecord, reviewsCluster, storefront } from './testing/record-builder.ts'

const { endpoint, wallMs } = buildRecord()
const record: StreamRecord = {
  direction: 'outbound',
  startMs: 0,
  wallMs,
  listener: 'explicit:db',
  remoteAddress: '10.0.0.3',
  transport: 'tcp',
  serverName: 'db.example',
  routeName: 'TCPRoute/shop/db rule 0',
  cluster: reviewsCluster,
  endpoint,
  peer: endpoint!.workload,
  peerPrincipal: '',
  originalPort: 0,
  deniedBy: '',
  auditedBy: '',
  receivedBytes: 10,
  sentBytes: 3000,
  code: '',
  detail: '',
  flags: '-',
  attempts: 1,
  durationMs: 12.6,
}

test('a stream is a line of JSON with bytes, duration and where it went', () => {
  assert.deepEqual(JSON.parse(formatStreamLine({ ...record, code: 'upstream_reset', detail: 'gone', flags: 'UC' })), {
    start_time: '2026-01-02T03:04:05.678Z',
    protocol: 'tcp',
    response_flags: 'UC',
    response_code_details: 'upstream_reset; gone',
    bytes_received: 10,
    bytes_sent: 3000,
    duration: 13,
    requested_server_name: 'db.example',
    upstream_host: '10.0.0.7:8080',
    upstream_cluster: 'reviews.shop.svc.cluster.local:80',
    route_name: 'TCPRoute/shop/db rule 0',
    downstream_remote_address: '10.0.0.3',
    direction: 'outbound',
    listener: 'explicit:db',
    peer: 'reviews-1.shop',
    attempts: 1,
  })
})

test("streams are counted under Istio's names, detections by outcome", () => {
  const telemetry = createTelemetry({ self: storefront, clock: new ManualClock(), version: '1' })
  telemetry.onStreamOpen(record)
  telemetry.onStreamOpen(record)
  telemetry.onStreamEnd(record)
  telemetry.onDetected('in', 'server-first', 7)
  const text = [...expose(telemetry.registry.families)].join('')
  telemetry.close()
  const numberOf = (name: string): string | undefined =>
    text
      .split('\n')
      .find((line) => line.startsWith(`${name}{`))
      ?.split(' ')
      .at(-1)
  assert.equal(numberOf('istio_tcp_connections_opened_total'), '2')
  assert.equal(numberOf('istio_tcp_connections_closed_total'), '1')
  assert.equal(numberOf('istio_tcp_received_bytes_total'), '10')
  assert.equal(numberOf('istio_tcp_sent_bytes_total'), '3000')
  assert.match(text, /istio_tcp_sent_bytes_total\{[^}]*destination_workload="reviews-v2"[^}]*request_protocol="tcp"/)
  assert.match(text, /weft_detection_total\{listener="in",outcome="server-first"\} 1/)
})
