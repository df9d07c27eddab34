import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hintsFor } from './hints.ts'
import { deploymentYaml, withResources } from './testing/resources.ts'
import { planWorkloads } from './workload-plan.ts'

const yaml = `${deploymentYaml('{ name: c, command: [sh], ports: [{ containerPort: 80 }], readinessProbe: { httpGet: { path: /ok, port: 80 } } }', { name: 'front', labels: '{ app: front }' })}---
${deploymentYaml('{ name: c, command: [sh], ports: [{ containerPort: 80 }], readinessProbe: { httpGet: { path: /live, port: 80 } } }', { name: 'back', labels: '{ app: back }' })}---
{ apiVersion: v1, kind: Service, metadata: { name: front, namespace: shop }, spec: { type: LoadBalancer, selector: { app: front }, ports: [{ port: 80 }] } }
---
{ apiVersion: v1, kind: Service, metadata: { name: back, namespace: shop }, spec: { selector: { app: back }, ports: [{ port: 8000 }] } }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: back, namespace: shop }
spec: { parentRefs: [{ group: "", kind: Service, name: back }], rules: [{ backendRefs: [{ name: back, port: 8000 }] }] }
`

test('what is open to the outside is to be opened, and what a route stands before is to be called', () => {
  const workload = (name: string, port: number) => ({
    namespace: 'shop',
    name,
    pod: `${name}-0`,
    app: null,
    inbound: `http://127.0.0.1:${port}`,
    outbound: `http://127.0.0.1:${port + 1}`,
    admin: '',
    pids: { app: null, sidecar: null },
  })
  withResources(yaml, (resources) => {
    const plans = planWorkloads(resources, { node: 'node', path: '/bin:/usr/bin' }).workloads
    const workloads = [workload('front', 20000), workload('back', 20010)]
    assert.deepEqual(hintsFor({ resources, plans, workloads }), {
      entrances: [{ service: 'shop/front', url: 'http://127.0.0.1:20000/' }],
      call: { proxy: 'http://127.0.0.1:20001', url: 'http://back.shop:8000/live' },
    })
    assert.deepEqual(hintsFor({ resources, plans, workloads: [] }), { entrances: [] })
  })
})
