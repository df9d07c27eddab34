import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readResources } from './testing/read-resources.ts'
import { measureTranslation } from './translate.bench.ts'
import { translate } from './translate.ts'

const service = (name: string): string =>
  `{apiVersion: v1, kind: Service, metadata: {name: ${name}, namespace: shop}, spec: {ports: [{name: http, port: 80}]}}\n---\n`

const split = (weights: readonly [number, number]): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: reviews, namespace: shop}
spec:
  parentRefs: [{group: "", kind: Service, name: reviews}]
  rules:
    - backendRefs: [{name: reviews, port: 80, weight: ${weights[0]}}, {name: reviews-v2, port: 80, weight: ${weights[1]}}]
`

const reviews = 'reviews.shop.svc.cluster.local:80'
const v2 = 'reviews-v2.shop.svc.cluster.local:80'

test('an edited weight changes one route configuration and nothing else', () => {
  const services = service('reviews') + service('reviews-v2')
  const before = translate(readResources(services + split([90, 10])))
  const after = translate(readResources(services + split([0, 100])), { previous: before })
  assert.notEqual(after.mesh, before.mesh)
  assert.notEqual(after.mesh.routes.get(reviews), before.mesh.routes.get(reviews))
  assert.equal(after.mesh.routes.get(v2), before.mesh.routes.get(v2))
  for (const name of ['services', 'workloads', 'clusters', 'assignments', 'usage'] as const) {
    assert.equal(after.mesh[name], before.mesh[name], `${name} stay the same object`)
  }
  assert.equal(after.statuses, before.statuses)
  assert.equal(after.faults, before.faults)
})

test('a Service that goes takes its nouns with it and leaves a fault where it is missed', () => {
  const before = translate(readResources(service('reviews') + service('reviews-v2') + split([50, 50])))
  assert.deepEqual(before.faults, [])
  const after = translate(readResources(service('reviews') + split([50, 50])), { previous: before })
  assert.ok(!after.mesh.clusters.has(v2) && !after.mesh.routes.has(v2) && !after.mesh.assignments.has(v2))
  assert.deepEqual(
    after.faults.map(({ code, field }) => `${code} ${field}`),
    ['dangling-backend spec.rules[0].backendRefs[1].name'],
  )
})

test('takes the defaults of clusters from its options', () => {
  const { mesh } = translate(readResources(service('reviews')), {
    clusterDefaults: { loadBalancing: 'round-robin', connectTimeoutMs: 100 },
  })
  const { loadBalancing, connectTimeoutMs } = mesh.clusters.get(reviews)!
  assert.deepEqual([loadBalancing, connectTimeoutMs], ['round-robin', 100])
})

test('faults stand in the order of the file', () => {
  const text = `${service('reviews')}${split([1, 1])}---\n${split([1, 1]).replace('name: reviews, namespace', 'name: second, namespace')}`
  const lines = translate(readResources(text)).faults.map(({ origin }) => origin.line)
  assert.ok(lines.length >= 2)
  assert.deepEqual(
    lines,
    [...lines].sort((a, b) => a - b),
  )
})

test('the bench runs', () => {
  const { firstMs, changeMs } = measureTranslation(20, 3)
  assert.ok(firstMs > 0 && changeMs > 0)
})
