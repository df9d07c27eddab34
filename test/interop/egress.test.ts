/** A real Envoy as the sidecar of a mesh's client: what is outside, what is unknown, and backends that end TLS. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { testAuthority } from '#/proxy/testing/certificate.ts'
import { call, startApplication } from '#/proxy/testing/peer.ts'
import { eventually, freePort } from '../contract/suite.ts'
import { ProxyMesh, podYaml } from '../mesh/proxy-mesh.ts'
import { anyHost, configMap, outside, registryOnly, startTlsServer } from '../mesh/testing/outside.ts'
import { adsBootstrap, type EnvoyProcess, startEnvoy } from './envoy.ts'

interface Place {
  mesh: ProxyMesh
  envoy: EnvoyProcess
  outbound: { host: string; port: number }
}

/** @param objects in force before Envoy comes. */
async function startClient(t: TestContext, objects: Readonly<Record<string, string>>): Promise<Place> {
  const mesh = await ProxyMesh.start(t)
  for (const [name, yaml] of Object.entries(objects)) mesh.apply(name, yaml)
  const [inbound, outbound] = [await freePort(), await freePort()]
  mesh.apply('pod-web-0', podYaml({ pod: 'web-0', app: 'web', port: undefined, inbound, outbound, isReady: true }))
  const envoy = await startEnvoy(adsBootstrap({ nodeId: 'web-0.shop', cluster: 'web', xds: mesh.xds }))
  t.after(() => envoy.stop())
  return { mesh, envoy, outbound: { host: '127.0.0.1', port: outbound } }
}

async function nothingRejected(envoy: EnvoyProcess): Promise<void> {
  const rejected = await envoy.stats('update_rejected')
  assert.ok(Object.keys(rejected).length > 0, 'the filter is wrong')
  for (const [name, count] of Object.entries(rejected)) assert.equal(count, 0, `${name}\n${envoy.log().slice(-3000)}`)
}

test('Envoy calls an ExternalService by TLS, and refuses what nobody knows where the mesh says so', async (t) => {
  const authority = testAuthority()
  const server = await startTlsServer(t, authority, 'api.bank.example')
  const plain = await startApplication('anywhere')
  t.after(() => plain.close())
  const tls = 'tls: { caCertificateRefs: [{ group: "", kind: ConfigMap, name: bank }] }'
  const { mesh, envoy, outbound } = await startClient(t, {
    ca: configMap('bank', authority.pem),
    bank: outside({
      host: '*.bank.example',
      port: `port: 80, protocol: HTTP, ${tls.replace('{ ', '{ hostname: api.bank.example, ')}`,
      target: server.port,
    }),
    any: anyHost(plain.port),
    mesh: registryOnly,
  })
  await eventually(async () => {
    const { status, body } = await call(outbound, { host: 'eu.bank.example' })
    assert.equal(`${status} ${body}`, '200 api.bank.example asked for eu.bank.example')
  })
  assert.deepEqual(server.names, ['api.bank.example'])
  const refused = await call(outbound, { host: 'evil.example' })
  assert.equal(refused.status, 502)
  assert.match(String(refused.headers['weft-detail']), /^host_unknown; /)
  const reply = await call(outbound, { host: `127.0.0.1:${plain.port}` })
  assert.equal(`${reply.status} ${reply.body}`, '200 anywhere ')
  const [right, wrong] = [
    await startTlsServer(t, authority, '127.0.0.1'),
    await startTlsServer(t, authority, 'a.example'),
  ]
  for (const [secure, status] of [
    [right, 200],
    [wrong, 503],
  ] as const) {
    mesh.apply('any', anyHost(secure.port, `, ${tls}`))
    await eventually(async () => {
      assert.equal((await call(outbound, { host: `127.0.0.1:${secure.port}` })).status, status)
    })
  }
  mesh.apply('ca', configMap('bank', testAuthority('another').pem))
  await eventually(async () => {
    assert.equal((await call(outbound, { host: 'eu.bank.example' })).status, 503)
    const counts = Object.values(await envoy.stats('ssl.fail_verify_error'))
    assert.ok(counts.some((count) => count > 0))
  })
  await nothingRejected(envoy)
})

test('Envoy calls a Service with a BackendTLSPolicy by TLS, and one whose policy trusts nobody not at all', async (t) => {
  const authority = testAuthority()
  const server = await startTlsServer(t, authority, 'db.example')
  const objects = (name: string, ca: string): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { ports: [{ name: http, port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, namespace: shop, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: http, port: ${server.port} }]
endpoints: [{ addresses: [127.0.0.1] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: { name: ${name}, namespace: shop }
spec:
  targetRefs: [{ group: "", kind: Service, name: ${name} }]
  validation: { hostname: db.example, caCertificateRefs: [{ group: "", kind: ConfigMap, name: ${ca} }] }
`
  const { envoy, outbound } = await startClient(t, {
    ca: configMap('ca', authority.pem),
    db: objects('db', 'ca'),
    lost: objects('lost', 'none'),
  })
  await eventually(async () => {
    const { status, body } = await call(outbound, { host: 'db.shop' })
    assert.equal(`${status} ${body}`, '200 db.example asked for db.shop')
  })
  assert.deepEqual(server.names, ['db.example'])
  assert.equal((await call(outbound, { host: 'lost.shop' })).status, 503)
  assert.equal(server.names.length, 1, 'nobody has called it in plain text or without trust')
  await nothingRejected(envoy)
})
