/** What a choice costs: `node src/proxy/balance/balancer.bench.ts`. */
import { measure } from '#/proxy/route/testing/measure.ts'
import { createBalancer } from './balancer.ts'
import { buildEndpoints } from './testing/endpoint-builder.ts'

for (const kind of ['round-robin', 'random', 'least-request'] as const) {
  for (const count of [3, 100, 1000]) {
    for (const weights of ['equal', 'unequal'] as const) {
      const balancer = createBalancer(kind)
      balancer.update(buildEndpoints(count, (i) => (weights === 'equal' ? 1 : 1 + (i % 5))))
      const ns = measure(50_000, () => {
        const slot = balancer.pick()!
        slot.acquire()
        slot.release(false)
        return slot
      })
      console.log(`${`${kind}, ${count} endpoints, ${weights} weights`.padEnd(48)} ${ns.toFixed(0).padStart(6)} ns`)
    }
  }
}
