// Where unknown hosts are refused, pods can be called by their addresses all the same.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Mesh } from '#/model/mesh.ts'
import { readResources } from '../translate/testing/read-resources.ts'
import { translate } from '../translate/translate.ts'
import { isDirect } from './direct-address.ts'
import { Publisher } from './publisher.ts'

const registryOnly = `
{ apiVersion: weft.dev/v1alpha1, kind: Mesh, metadata: { name: default }, spec: { outbound: { mode: RegistryOnly } } }
---`
const objects = `
apiVersion: v1
kind: Service
metadata: { name: db, namespace: shop }
spec: { clusterIP: None, selector: { app: db }, ports: [{ port: 5432 }] }
---
apiVersion: v1
kind: Pod
metadata:
  name: db-0
  namespace: shop
  labels: { app: db }
  annotations: { weft.dev/redirected: "true" }
spec: { containers: [{ name: db, ports: [{ containerPort: 5432 }] }] }
status: { podIP: 10.0.0.7, conditions: [{ type: Ready, status: "True" }] }
---
apiVersion: v1
kind: Service
metadata: { name: old, namespace: shop }
spec: { ports: [{ port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: old, namespace: shop, labels: { kubernetes.io/service-name: old } }
addressType: IPv4
ports: [{ port: 8080 }]
endpoints: [{ addresses: [10.9.0.1] }]
`

function meshOf(text: string): Mesh {
  return translate(readResources(text)).mesh
}

test('the address of a pod is of the mesh at every port, that of another endpoint at its own', () => {
  const mesh = meshOf(registryOnly + objects)
  const asked = [
    '10.0.0.7:5432',
    '10.0.0.7:9',
    '10.9.0.1:8080',
    '10.9.0.1:22',
    '192.0.2.1:80',
    'evil.example:80',
    'none',
  ]
  assert.deepEqual(
    asked.filter((name) => isDirect(mesh, name)),
    ['10.0.0.7:5432', '10.0.0.7:9', '10.9.0.1:8080'],
  )
  assert.ok(!isDirect(meshOf(objects), '10.0.0.7:5432'), 'where all may pass nothing is said')
})

test('our proxy alone is told to go there, by one listener whatever the address, with its cluster', () => {
  const snapshot = new Publisher().publish(meshOf(registryOnly + objects))
  const node = { id: 'web-0.shop', userAgent: 'weft', metadata: {} }
  const view = snapshot.view(node as never)
  assert.equal(view.find('listener', '10.0.0.7:5432')?.name, 'direct')
  assert.equal(view.find('listener', '10.0.0.7:5432', true)?.name, '10.0.0.7:5432')
  assert.equal(view.find('cluster', 'direct')?.name, 'direct')
  assert.equal(view.find('listener', '192.0.2.1:80'), undefined)
  const other = snapshot.view({ ...node, userAgent: 'envoy' } as never)
  assert.equal(other.find('listener', '10.0.0.7:5432'), undefined)
})
