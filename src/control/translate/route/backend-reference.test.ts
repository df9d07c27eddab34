import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readServices } from '../service.ts'
import { readResources } from '../testing/read-resources.ts'
import { resolveBackend } from './backend-reference.ts'
import type { Problem } from './problem.ts'

const { index: services } = readServices(
  readResources(`
{apiVersion: v1, kind: Service, metadata: {name: reviews, namespace: shop}, spec: {ports: [{name: http, port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: ratings, namespace: data}, spec: {ports: [{port: 80}]}}
`),
)

function resolve(ref: Parameters<typeof resolveBackend>[0], referenceGrants: 'required' | 'optional' = 'required') {
  const grants = referenceGrants === 'required' ? new Set<string>() : undefined
  const problems: Problem[] = []
  const outcome = resolveBackend(ref, 'spec.rules[0].backendRefs[0]', {
    route: { kind: 'HTTPRoute', namespace: 'shop', name: 'reviews' },
    rule: 0,
    field: 'spec.rules[0]',
    lookup: { services, externals: new Map(), grants, parentNamespaces: new Set(['shop']), externalParents: new Set() },
    report: (problem) => problems.push(problem),
  })
  return { outcome, problems }
}

test('names the cluster of a Service port', () => {
  assert.deepEqual(resolve({ name: 'reviews', port: 80 }), {
    outcome: { ok: true, name: 'reviews.shop.svc.cluster.local:80' },
    problems: [],
  })
})

test('asks for the port, listing those that the Service has', () => {
  const { outcome, problems } = resolve({ name: 'reviews' })
  assert.equal(outcome.ok, false)
  const [problem] = problems
  assert.equal(problem?.finding.code, 'backend-port-missing')
  assert.equal(problem?.finding.field, 'spec.rules[0].backendRefs[0]')
  assert.match(problem?.finding.cure ?? '', /80 \(http\)/)
})

test('does not tell whether a Service exists that may not be referred to', () => {
  const existing = resolve({ name: 'ratings', namespace: 'data', port: 80 })
  const missing = resolve({ name: 'nowhere', namespace: 'data', port: 80 })
  for (const { problems } of [existing, missing]) assert.equal(problems[0]?.finding.code, 'backend-not-permitted')
})

test('needs no grant where none are required', () => {
  assert.equal(resolve({ name: 'ratings', namespace: 'data', port: 80 }, 'optional').outcome.ok, true)
})
