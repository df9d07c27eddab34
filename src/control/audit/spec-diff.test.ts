import assert from 'node:assert/strict'
import { test } from 'node:test'
import { diffObjects } from './spec-diff.ts'

test('names each field that differs, with both values', () => {
  const before = { metadata: { name: 'a', labels: { app: 'x' } }, spec: { rules: [{ weight: 1 }, { weight: 2 }] } }
  const after = { metadata: { name: 'a' }, spec: { rules: [{ weight: 1 }, { weight: 3 }, { weight: 4 }] } }
  assert.deepEqual(diffObjects(before, after), [
    { path: 'metadata.labels', before: { app: 'x' } },
    { path: 'spec.rules[1].weight', before: 2, after: 3 },
    { path: 'spec.rules[2]', after: { weight: 4 } },
  ])
})

test('what controllers write is no change', () => {
  const base = { metadata: { name: 'a' }, spec: { x: 1 } }
  assert.deepEqual(diffObjects({ ...base, status: 1 }, { ...base, status: 2 }), [])
  const again = { ...base, metadata: { name: 'a', generation: 2, resourceVersion: '9', managedFields: [] } }
  assert.deepEqual(diffObjects(base, again), [])
})

test('an object that comes or goes is told by its spec', () => {
  const object = { kind: 'AccessPolicy', metadata: { name: 'a' }, spec: { action: 'Allow' } }
  assert.deepEqual(diffObjects(undefined, object), [{ path: 'spec', after: { action: 'Allow' } }])
  assert.deepEqual(diffObjects(object, undefined), [{ path: 'spec', before: { action: 'Allow' } }])
})

test('nothing that could be secret is in it, wherever it stands', () => {
  const hidden = 'hunter2'
  const object = (value: string) => ({
    metadata: { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': value } },
    data: { 'ca.crt': value },
    stringData: { any: value },
    spec: {
      containers: [{ env: [{ name: 'PLAIN', value }] }],
      oauth: { clientSecret: value, tokens: [value], apiKey: value, inner: { password: value } },
      headers: { set: [{ name: 'Authorization', value }] },
    },
  })
  const outcomes = [
    diffObjects(undefined, object(hidden)),
    diffObjects(object('old'), object(hidden)),
    diffObjects({ spec: {} }, object(hidden)),
    diffObjects({ spec: { headers: { set: [] } } }, object(hidden)),
  ]
  for (const changes of outcomes) {
    assert.ok(changes.length > 0)
    assert.ok(!JSON.stringify(changes).includes(hidden), JSON.stringify(changes, null, 1))
  }
})

test('long values are cut, and many changes counted', () => {
  const [change] = diffObjects({ spec: { text: '' } }, { spec: { text: 'x'.repeat(5000) } })
  assert.ok(String(change!.after).length < 510)
  const many = (n: number) => ({ spec: Object.fromEntries(Array.from({ length: 80 }, (_, i) => [`f${i}`, n])) })
  const changes = diffObjects(many(1), many(2))
  assert.equal(changes.length, 50)
  assert.equal(changes.at(-1)!.path, '… and 31 more fields')
})
