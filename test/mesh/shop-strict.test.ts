/** The demo shop with mutual TLS alone: every hop by certificates, and a client without one is refused at every door. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { call } from '#/proxy/testing/peer.ts'
import { until } from '#/up/testing/until.ts'
import { LaptopMesh } from './testing/laptop-mesh.ts'

const strict = `
apiVersion: weft.dev/v1alpha1
kind: AuthenticationPolicy
metadata: { name: all, namespace: weft-system }
spec:
  targetRefs: [{ group: weft.dev, kind: Mesh, name: default }]
  mutualTls: { mode: Strict }
`
/** Everybody who is called by another service of the shop. */
const called = ['reviews-v1', 'reviews-v2', 'ratings', 'catalog', 'cart']

let mesh: LaptopMesh
before(async () => {
  mesh = new LaptopMesh('shop', { prepare: (folder) => writeFileSync(join(folder, 'strict.yaml'), strict) })
  await mesh.ready()
})
after(() => mesh?.stop())

/** Of requests that came, refused ones aside. */
async function inboundSeries(name: string): Promise<string[]> {
  const text = await (await fetch(`${mesh.workload(name).admin}/metrics`)).text()
  return text
    .split('\n')
    .filter((line) => line.startsWith('istio_requests_total{') && line.includes('reporter="destination"'))
    .filter((line) => !line.includes('response_code="403"'))
}

test('every hop of the shop is mutual TLS, with both names, in its metrics', async () => {
  for (const name of called) {
    await until(async () => (await inboundSeries(name)).length > 0, `calls to ${name}`, 30_000)
    for (const line of await inboundSeries(name)) {
      assert.match(line, /connection_security_policy="mutual_tls"/, `${name}: ${line}`)
      assert.match(line, /source_principal="spiffe:\/\/cluster\.local\/ns\/shop\/sa\/[a-z]+"/, line)
      assert.match(line, /destination_principal="spiffe:\/\/cluster\.local\/ns\/shop\/sa\/[a-z]+"/, line)
    }
  }
})

test('a client without an identity is refused at every door of the shop', async () => {
  for (const name of ['storefront', ...called]) {
    const { hostname: host, port } = new URL(mesh.workload(name).inbound!)
    const { status, body } = await call({ host, port: Number(port) }, { host: `${name}.shop` })
    assert.equal(status, 403, name)
    assert.match(body, /^mtls_required/)
  }
})
