import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ManualClock } from '#/std/clock.ts'
import { expose } from './metric/exposition.ts'
import { createTelemetry, type Telemetry, type TelemetryOptions } from './telemetry.ts'
import { buildRecord, storefront } from './testing/record-builder.ts'

function create(given: Partial<TelemetryOptions> = {}): { telemetry: Telemetry; clock: ManualClock } {
  const clock = new ManualClock(1000)
  return { clock, telemetry: createTelemetry({ self: storefront, clock, version: '1.2.3', ...given }) }
}

const lines = (telemetry: Telemetry, start: string): string[] =>
  [...expose(telemetry.registry.families)]
    .join('')
    .split('\n')
    .filter((line) => line.startsWith(start))

test('connections of listeners and clusters are counted, open and ever', () => {
  const { telemetry } = create()
  telemetry.onConnection('outbound')
  telemetry.onConnection('outbound')
  telemetry.onConnection('inbound:8080')
  telemetry.onConnectionClosed('outbound')
  telemetry.onUpstreamConnection('reviews:80')
  telemetry.onUpstreamConnectFailed('reviews:80', '10.0.0.1:80', 'ECONNREFUSED')
  telemetry.onMalformed('outbound', 'bad_request', 'two lengths')
  telemetry.onEnd(buildRecord({ attempts: 3 }))
  for (const line of [
    'weft_proxy_connections_active{listener="outbound"} 1',
    'weft_proxy_connections_total{listener="outbound"} 2',
    'weft_proxy_connections_active{listener="inbound:8080"} 1',
    'weft_proxy_upstream_connections_active{cluster="reviews:80"} 1',
    'weft_proxy_upstream_connections_total{cluster="reviews:80"} 1',
    'weft_proxy_upstream_connect_failures_total{cluster="reviews:80"} 1',
    'weft_proxy_malformed_requests_total{listener="outbound",code="bad_request"} 1',
    'weft_proxy_retries_total{cluster="reviews.shop.svc.cluster.local:80"} 2',
    'weft_proxy_build_info{version="1.2.3"} 1',
    'weft_proxy_metric_series 1',
  ]) {
    assert.deepEqual(lines(telemetry, line), [line])
  }
  telemetry.close()
})

test('the state of xDS is asked for at each scrape', () => {
  const xds = { isConnected: false, nacks: 0 }
  const { telemetry } = create({ xds: () => xds })
  assert.deepEqual(lines(telemetry, 'weft_proxy_xds'), ['weft_proxy_xds_connected 0', 'weft_proxy_xds_nacks_total 0'])
  xds.isConnected = true
  xds.nacks = 2
  assert.deepEqual(lines(telemetry, 'weft_proxy_xds'), ['weft_proxy_xds_connected 1', 'weft_proxy_xds_nacks_total 2'])
  telemetry.close()
})

test('numbers of the process carry their customary names', () => {
  const { telemetry, clock } = create()
  const value = (name: string): number => Number(lines(telemetry, `${name} `)[0]?.split(' ')[1])
  assert.ok(value('process_resident_memory_bytes') > 1e6)
  assert.ok(value('process_cpu_seconds_total') > 0)
  assert.ok(value('nodejs_heap_size_used_bytes') > 1e5)
  if (process.platform === 'linux') assert.ok(value('process_open_fds') >= 3)
  assert.equal(lines(telemetry, `nodejs_version_info{version="${process.version}"} 1`).length, 1)
  clock.advance(1000)
  assert.equal(value('nodejs_eventloop_lag_seconds'), 0)
  telemetry.close()
})

test('a late timer shows as lag, and its maximum starts over after a scrape', () => {
  const clock = new ManualClock()
  let nowMs = 0
  const late = { monotonicMs: () => nowMs, wallMs: () => nowMs, after: clock.after.bind(clock) }
  const telemetry = createTelemetry({ self: storefront, clock: late, version: '1' })
  nowMs = 1250
  clock.advance(1000)
  nowMs = 2250
  clock.advance(1000)
  assert.deepEqual(lines(telemetry, 'nodejs_eventloop_lag_'), [
    'nodejs_eventloop_lag_seconds 0',
    'nodejs_eventloop_lag_max_seconds 0.25',
  ])
  assert.deepEqual(lines(telemetry, 'nodejs_eventloop_lag_max'), ['nodejs_eventloop_lag_max_seconds 0'])
  telemetry.close()
})

test('what is idle is forgotten after its time, what is open is kept', () => {
  const { telemetry, clock } = create({ seriesIdleMs: 3_600_000 })
  telemetry.onUpstreamConnection('gone')
  telemetry.onUpstreamConnectionClosed('gone')
  telemetry.onUpstreamConnection('open')
  telemetry.onUpstreamConnectFailed('gone', '', '')
  telemetry.onEnd(buildRecord({ startMs: 1000 }))
  clock.advance(3_600_000)
  assert.equal(lines(telemetry, 'weft_proxy_upstream').length, 5)
  clock.advance(120_000)
  assert.deepEqual(lines(telemetry, 'weft_proxy_upstream'), [
    'weft_proxy_upstream_connections_active{cluster="open"} 1',
    'weft_proxy_upstream_connections_total{cluster="open"} 1',
  ])
  assert.deepEqual(lines(telemetry, 'istio_'), [])
  telemetry.onUpstreamConnectionClosed('open')
  assert.deepEqual(lines(telemetry, 'weft_proxy_upstream_connections_active'), [
    'weft_proxy_upstream_connections_active{cluster="open"} 0',
  ])
  telemetry.close()
})

test('the access log has a line a request, whole when the process ends', () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-telemetry-'))
  const file = join(folder, 'access.log')
  const { telemetry } = create({ accessLog: { target: { file }, isQueryStripped: true } })
  telemetry.onEnd(buildRecord({ path: '/a?secret=1' }))
  telemetry.onEnd(buildRecord({ path: '/b' }))
  telemetry.close()
  const paths = readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line).path)
  assert.deepEqual(paths, ['/a', '/b'])
  assert.equal(telemetry.droppedLines, 0)
  rmSync(folder, { recursive: true })
})

test('without an access log nothing is written and everything is counted', async () => {
  const { telemetry } = create()
  telemetry.onEnd(buildRecord())
  await telemetry.drain()
  assert.equal(lines(telemetry, 'istio_requests_total').length, 1)
  telemetry.close()
})
