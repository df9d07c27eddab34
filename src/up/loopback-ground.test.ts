import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { LoopbackGround } from './loopback-ground.ts'
import { PortBook } from './port-book.ts'
import { deploymentYaml, withResources } from './testing/resources.ts'
import { planWorkloads } from './workload-plan.ts'

const yaml = `${deploymentYaml(
  '{ name: dns, command: [sh], ports: [{ name: dns, containerPort: 53, protocol: UDP }, { name: dns-tcp, containerPort: 53 }] }',
  { name: 'dns' },
)}---
apiVersion: v1
kind: Service
metadata: { name: dns, namespace: shop }
spec: { selector: { app: cart }, ports: [{ name: dns, port: 53, protocol: UDP }, { name: dns-tcp, port: 53 }, { name: sctp, port: 9, protocol: SCTP }] }
`

test('ports of TCP and UDP with one number share the local one, and each has its listener', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-ground-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const book = new PortBook({
    file: join(folder, 'ports.json'),
    takenElsewhere: () => new Set(),
    isFree: async () => true,
  })
  const site = await withResources(yaml, async (resources) => {
    const [plan] = planWorkloads(resources, { node: 'node', path: '/bin:/usr/bin' }).workloads
    return new LoopbackGround(book, resources).prepare(plan!, 'dns-0')
  })
  const { ports, explicit } = site.addresses
  assert.deepEqual(
    ports.map(({ name, protocol }) => `${name} ${protocol}`),
    ['dns UDP', 'dns-tcp TCP'],
  )
  assert.deepEqual(ports[0]!.inbound, ports[1]!.inbound)
  assert.deepEqual(ports[0]!.application, ports[1]!.application)
  assert.notDeepEqual(ports[0]!.inbound, ports[0]!.application)
  const host = 'dns.shop.svc.cluster.local'
  assert.deepEqual([...explicit.keys()], [`${host}:53/udp`, `${host}:53`])
  assert.deepEqual(explicit.get(`${host}:53/udp`), explicit.get(`${host}:53`))
  assert.deepEqual(site.services[0]!.addresses.get(53), explicit.get(`${host}:53`))
})
