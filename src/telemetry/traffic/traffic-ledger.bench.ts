/** What the ledger costs a request and an edge: `node --expose-gc src/telemetry/traffic/traffic-ledger.bench.ts`. */
import { measure } from '#/proxy/route/testing/measure.ts'
import { buildRecord, storefront } from '../testing/record-builder.ts'
import { TrafficLedger } from './traffic-ledger.ts'

const create = (edgesMax = 1000) => new TrafficLedger({ nowMs: Date.now, edgesMax })

/** Fresh texts, as a codec makes them. */
const fresh = (text: string) => Buffer.from(text).toString('latin1')

/** ns a request of this many callers. @param pathOf the path of request i. */
export function measureLedger(callers: number, iterations: number, pathOf: (i: number) => string): number {
  const ledger = create()
  const records = Array.from({ length: 1024 }, (_, i) =>
    buildRecord({ direction: 'inbound', listener: 'inbound:8080', path: pathOf(i) }),
  )
  const peers = Array.from({ length: callers }, (_, i) => ({ ...storefront, workload: `w${i}` }))
  return measure(iterations, (i) => {
    const record = records[i % records.length]!
    record.peer = peers[i % callers]
    const { path } = record
    record.path = fresh(path)
    ledger.observe(record)
    record.path = path
  })
}

/** What `fresh` alone takes. */
export function measureNothing(iterations: number, pathOf: (i: number) => string): number {
  const paths = Array.from({ length: 1024 }, (_, i) => pathOf(i))
  const lengths = new Float64Array(1)
  return measure(iterations, (i) => {
    lengths[0]! += fresh(paths[i % paths.length]!).length
  })
}

function main(): void {
  const print = (name: string, value: string) => console.log(`${name.padEnd(48)} ${value.padStart(9)}`)
  const paths: Record<string, (i: number) => string> = {
    'one path': () => '/reviews',
    'eight paths with queries': (i) => `/api/v1/thing-${'abcdefgh'[i % 8]}?page=${i}`,
    'an id in each path': (i) => `/api/v1/orders/${i}/items`,
  }
  for (const [name, pathOf] of Object.entries(paths)) {
    const empty = measureNothing(500_000, pathOf)
    for (const callers of [1, 20])
      print(`${name}, ${callers} callers`, `${(measureLedger(callers, 500_000, pathOf) - empty).toFixed(0)} ns`)
  }
  globalThis.gc?.()
  const before = process.memoryUsage().heapUsed
  const ledger = create()
  for (let i = 0; i < 1000; i++)
    ledger.observe(buildRecord({ direction: 'inbound', peer: { ...storefront, workload: `w${i}` } }))
  globalThis.gc?.()
  print('memory of an edge', `${((process.memoryUsage().heapUsed - before) / ledger.size).toFixed(0)} B`)
}

if (import.meta.main) main()
