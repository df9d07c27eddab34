/** What metrics cost a request and a series: `node --expose-gc src/telemetry/metric/request-metrics.bench.ts`. */
import { measure } from '#/proxy/route/testing/measure.ts'
import { buildRecord, reviews, storefront } from '../testing/record-builder.ts'
import { expose } from './exposition.ts'
import { RequestMetrics } from './request-metrics.ts'

const create = () =>
  new RequestMetrics({ self: storefront, clusterId: 'Kubernetes', seriesMax: 2000, idleMs: 3_600_000 })

/** ns a request over this many peers with three statuses each. */
export function measureObserve(peers: number, iterations: number): number {
  const metrics = create()
  const records = Array.from({ length: peers }, (_, i) => ({ ...reviews, workload: `w${i}` })).flatMap((peer) =>
    [200, 200, 200, 404, 503].map((status) => buildRecord({ peer, status })),
  )
  return measure(iterations, (i) => metrics.observe(records[i % records.length]!))
}

function main(): void {
  const print = (name: string, value: string) => console.log(`${name.padEnd(40)} ${value.padStart(9)}`)
  for (const peers of [1, 10, 100]) print(`observe, ${peers} peers`, `${measureObserve(peers, 500_000).toFixed(0)} ns`)
  globalThis.gc?.()
  const before = process.memoryUsage()
  const metrics = create()
  for (let i = 0; i < 1000; i++) metrics.observe(buildRecord({ peer: { ...reviews, workload: `w${i}` } }))
  globalThis.gc?.()
  const after = process.memoryUsage()
  const bytes = after.heapUsed + after.external - before.heapUsed - before.external
  print('memory of a series', `${(bytes / 1000).toFixed(0)} B`)
  let length = 0
  const ns = measure(3, () => {
    length = 0
    for (const piece of expose(metrics.families())) length += piece.length
  })
  print('exposition of 1000 series', `${(ns / 1e6).toFixed(1)} ms`)
  print('its length', `${(length / 1e6).toFixed(1)} MB`)
}

if (import.meta.main) main()
