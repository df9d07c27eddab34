/** TrafficPolicies by a real Envoy and by our proxy, both fed by our control plane: the same assertions for both. */
import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { type Application, call, startApplication } from '#/proxy/testing/peer.ts'
import type { HostPort } from '#/std/host-port.ts'
import { eventually, freePort } from '../contract/suite.ts'
import { ProxyMesh, podYaml } from '../mesh/proxy-mesh.ts'
import { adsBootstrap, startEnvoy } from './envoy.ts'

type Kind = 'envoy' | 'weft'

interface Place {
  outbound: HostPort
  /** Fails when the policy was refused. */
  check: () => Promise<void>
}

async function startClient(t: TestContext, kind: Kind, objects: string): Promise<Place> {
  const mesh = await ProxyMesh.start(t)
  mesh.apply('objects', objects)
  if (kind === 'weft') {
    const sidecar = await mesh.startSidecar({ pod: 'web-0', app: 'web' })
    return { outbound: sidecar.outbound, check: async () => undefined }
  }
  const [inbound, outbound] = [await freePort(), await freePort()]
  mesh.apply('pod-web-0', podYaml({ pod: 'web-0', app: 'web', port: undefined, inbound, outbound, isReady: true }))
  const envoy = await startEnvoy(adsBootstrap({ nodeId: 'web-0.shop', cluster: 'web', xds: mesh.xds }))
  t.after(() => envoy.stop())
  const check = async (): Promise<void> => {
    const rejected = await envoy.stats('update_rejected')
    assert.ok(Object.keys(rejected).length > 0, 'the filter is wrong')
    for (const [name, count] of Object.entries(rejected)) assert.equal(count, 0, name)
  }
  return { outbound: { host: '127.0.0.1', port: outbound }, check }
}

function objectsOf(apps: readonly Application[], policy: string): string {
  const slice = ({ port }: Application, index: number): string => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: db-${index}, namespace: shop, labels: { kubernetes.io/service-name: db } }
addressType: IPv4
ports: [{ name: http, port: ${port} }]
endpoints: [{ addresses: [127.0.0.1] }]`
  return [
    `
apiVersion: v1
kind: Service
metadata: { name: db, namespace: shop }
spec: { ports: [{ name: http, port: 80 }] }`,
    ...apps.map(slice),
    `
apiVersion: weft.dev/v1alpha1
kind: TrafficPolicy
metadata: { name: db, namespace: shop }
spec:
  targetRefs: [{ group: "", kind: Service, name: db }]
  ${policy}`,
  ].join('\n---')
}

async function application(
  t: TestContext,
  name: string,
  answer?: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Application> {
  const app = await startApplication(name, answer)
  t.after(() => app.close())
  return app
}

const host = 'db.shop'

async function isReady(outbound: HostPort, path = '/ready'): Promise<void> {
  await eventually(async () => assert.notEqual((await call(outbound, { host, path })).status, 404))
}

for (const kind of ['weft', 'envoy'] as const) {
  test(`${kind}: an endpoint that answers 500 three times in a row gets nothing more`, async (t) => {
    const ill = await application(t, 'ill', (_request, response) => {
      response.writeHead(500)
      response.end('ill')
    })
    const well = await application(t, 'well')
    const policy = 'outlierDetection: { consecutiveFailures: 3, maxEjectionPercent: 50, baseEjectionTime: 5m }'
    const { outbound, check } = await startClient(t, kind, objectsOf([ill, well], policy))
    await eventually(async () => assert.equal((await call(outbound, { host })).body, 'well '))
    for (let i = 0; i < 40; i++) await call(outbound, { host })
    assert.equal(ill.seen.length, 3)
    await check()
  })

  test(`${kind}: beyond the limit of requests calls fail at once`, async (t) => {
    const held: ServerResponse[] = []
    const app = await application(t, 'a', (request, response) => {
      if (request.url === '/ready') response.end('ready')
      else held.push(response)
    })
    const { outbound, check } = await startClient(t, kind, objectsOf([app], 'circuitBreakers: { requests: 2 }'))
    await isReady(outbound)
    const taken = [call(outbound, { host }), call(outbound, { host })]
    await eventually(() => assert.equal(held.length, 2))
    const refused = await call(outbound, { host })
    assert.equal(refused.status, 503)
    for (const response of held) response.end('late')
    for (const reply of await Promise.all(taken)) assert.equal(reply.status, 200)
    await check()
  })

  for (const type of ['RingHash', 'Maglev']) {
    test(`${kind}: by ${type} each user has one endpoint, and all have users`, async (t) => {
      const apps = await Promise.all(['a', 'b', 'c'].map((name) => application(t, name)))
      const policy = `loadBalancing: { type: ${type}, hashOn: [{ header: X-User }, { query: user }] }`
      const { outbound, check } = await startClient(t, kind, objectsOf(apps, policy))
      await isReady(outbound)
      const homes = new Set<string>()
      for (let user = 0; user < 24; user++) {
        const bodies = new Set<string>()
        for (let i = 0; i < 3; i++)
          bodies.add((await call(outbound, { host, headers: { 'x-user': `user-${user}` } })).body)
        assert.equal(bodies.size, 1, `user ${user}`)
        homes.add([...bodies][0]!)
      }
      assert.equal(homes.size, 3)
      const byQuery = new Set<string>()
      for (let i = 0; i < 6; i++) byQuery.add((await call(outbound, { host, path: '/?user=7' })).body)
      assert.equal(byQuery.size, 1)
      await check()
    })
  }

  test(`${kind}: every field of a policy is taken, and calls are answered`, async (t) => {
    const app = await application(t, 'a')
    const policy = `loadBalancing: { type: PeakEWMA }
  panicThreshold: 0
  circuitBreakers: { connections: 10, pendingRequests: 10, requests: 10, retryBudget: { percent: 10, minConcurrency: 0 } }
  outlierDetection:
    interval: 500ms
    maxEjectionPercent: 0
    consecutiveFailures: 0
    consecutiveGatewayFailures: 3
    consecutiveLocalFailures: 2
    successRate: { deviations: 2.5 }
    failureShare: { percent: 40, minEndpoints: 2, minRequests: 10 }`
    const { outbound, check } = await startClient(t, kind, objectsOf([app], policy))
    await eventually(async () => assert.equal((await call(outbound, { host })).body, 'a '))
    await check()
  })
}
