import assert from 'node:assert/strict'
import { test } from 'node:test'
import { podSchema } from '#/api/core.ts'
import { readWorkloads } from '#/control/translate/workload.ts'
import { podDocument } from './pod-document.ts'
import { deploymentYaml, withResources } from './testing/resources.ts'
import { planWorkloads } from './workload-plan.ts'

const at = (port: number) => ({ host: '127.0.0.1', port })
const container = '{ name: cart, command: [sh], ports: [{ name: http, containerPort: 8080 }] }'

function documentOf(state: { isReady: boolean; deletedAt?: string }): object {
  return withResources(deploymentYaml(container, { labels: '{ app: cart, version: v2 }' }), (resources) => {
    const [plan] = planWorkloads(resources, { node: 'node', path: '/bin:/usr/bin' }).workloads
    const port = {
      port: 8080,
      name: 'http',
      protocol: 'TCP' as const,
      container: 'cart',
      application: at(20001),
      inbound: at(20002),
    }
    const dns = { ...port, port: 53, name: 'dns', protocol: 'UDP' as const }
    return podDocument({
      plan: plan!,
      pod: 'cart-abcde-0',
      addresses: {
        podAddress: '127.0.0.1',
        ports: [port, dns],
        outbound: at(20003),
        admin: at(20004),
        explicit: new Map([['cart.shop.svc.cluster.local:80', at(20005)]]),
        isRedirected: false,
        hasIdentity: true,
      },
      state: {
        createdAt: '2026-01-01T00:00:00.000Z',
        containers: [{ name: 'cart', isReady: state.isReady, restarts: 0 }],
        ...state,
      },
    })
  })
}

test('what is written is a Pod, and translation reads all of it back', () => {
  const document = documentOf({ isReady: true })
  podSchema.parse(document)
  const { index, faults } = withResources(JSON.stringify(document), (resources) => readWorkloads(resources))
  assert.deepEqual(faults, [])
  const { labels, ...workload } = index.byNodeId.get('cart-abcde-0.shop')!
  assert.match(labels['pod-template-hash']!, /^[a-z0-9]{5}$/)
  assert.deepEqual(workload, {
    namespace: 'shop',
    workload: 'cart',
    pod: 'cart-abcde-0',
    serviceAccount: 'default',
    app: 'cart',
    version: 'v2',
    address: '127.0.0.1',
    ports: [
      { port: 8080, name: 'http', application: at(20001), inbound: at(20002) },
      { port: 53, name: 'dns', transport: 'udp', application: at(20001), inbound: at(20002) },
    ],
    outbound: at(20003),
    explicit: { 'cart.shop.svc.cluster.local:80': at(20005) },
    isRedirected: false,
    hasIdentity: true,
    isReady: true,
    isDraining: false,
  })
})

test('a replica that leaves is draining and not ready', () => {
  const document = documentOf({ isReady: false, deletedAt: '2026-01-01T00:01:00.000Z' })
  const workload = withResources(JSON.stringify(document), (resources) => readWorkloads(resources)).index.byNodeId.get(
    'cart-abcde-0.shop',
  )!
  assert.deepEqual([workload.isReady, workload.isDraining], [false, true])
})
