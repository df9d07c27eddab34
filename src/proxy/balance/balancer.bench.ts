/** What a choice costs: `node src/proxy/balance/balancer.bench.ts`. */
import type { LoadBalancing } from '#/model/cluster.ts'
import { measure } from '#/proxy/route/testing/measure.ts'
import { createBalancer } from './balancer.ts'
import { buildEndpoints } from './testing/endpoint-builder.ts'

/** ns a choice with its acquire and release; `weights` are 1, or 1 to 5 in turn. */
export function measurePick(
  kind: LoadBalancing,
  { count, weights, iterations }: { count: number; weights: 'equal' | 'unequal'; iterations: number },
): number {
  const balancer = createBalancer(kind)
  balancer.update(buildEndpoints(count, (i) => (weights === 'equal' ? 1 : 1 + (i % 5))))
  let hash = 0
  return measure(iterations, () => {
    // Balancers that hash get another key each time; the others pay no heed.
    hash = (hash + 0x9e3779b9) >>> 0
    const slot = balancer.pick(undefined, hash)!
    slot.acquire()
    slot.release(false)
    return slot
  })
}

function main(): void {
  for (const kind of ['round-robin', 'random', 'least-request', 'peak-ewma', 'ring-hash', 'maglev'] as const) {
    for (const count of [3, 100, 1000]) {
      for (const weights of ['equal', 'unequal'] as const) {
        const ns = measurePick(kind, { count, weights, iterations: 50_000 })
        console.log(`${`${kind}, ${count} endpoints, ${weights} weights`.padEnd(48)} ${ns.toFixed(0).padStart(6)} ns`)
      }
    }
  }
}

if (import.meta.main) main()
