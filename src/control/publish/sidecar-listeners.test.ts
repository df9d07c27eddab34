// From YAML to what a sidecar binds: what a port speaks decides how its listener takes connections.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Listener } from '#/model/listener.ts'
import type { Mesh } from '#/model/mesh.ts'
import { readResources } from '../translate/testing/read-resources.ts'
import { translate } from '../translate/translate.ts'
import { destinationListener, requestListener } from './destination-listener.ts'
import { ServedPorts } from './served-port.ts'
import { inboundClusters, sidecarListeners } from './sidecar-listeners.ts'

const ports = [
  { port: 8080, application: '127.0.0.1:1', inbound: '127.0.0.1:2' },
  { port: 6379, application: '127.0.0.1:3', inbound: '127.0.0.1:4' },
  { port: 9000, application: '127.0.0.1:5', inbound: '127.0.0.1:6' },
  { port: 53, name: 'dns', protocol: 'UDP', application: '127.0.0.1:7', inbound: '127.0.0.1:8' },
  { port: 7000, name: 'grpc-late', application: '127.0.0.1:9', inbound: '127.0.0.1:10' },
]

function slice(service: string, name: string, options: { port: number; protocol?: string }): string {
  const { port, protocol = 'TCP' } = options
  return `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: ${service}-${name || 'only'}, namespace: shop, labels: {kubernetes.io/service-name: ${service}}}
addressType: IPv4
endpoints: [{addresses: [127.0.0.1], targetRef: {kind: Pod, namespace: shop, name: all-0}}]
ports: [{name: "${name}", port: ${port}, protocol: ${protocol}}]
---`
}

/** By name of the Service's port: where its endpoints take connections. */
type Targets = { http: number; redis: number; other: number; dns: number }
const onLaptop: Targets = { http: 2, redis: 4, other: 6, dns: 8 }
const inPod: Targets = { http: 8080, redis: 6379, other: 9000, dns: 53 }

const yaml = (annotations: object, { targets, extra }: { targets: Targets; extra: string }): string => `
apiVersion: v1
kind: Service
metadata: {name: all, namespace: shop}
spec:
  ports:
    - {name: http, port: 80, targetPort: 8080}
    - {name: redis, port: 6379}
    - {name: other, port: 9000}
    - {name: dns, port: 53, protocol: UDP}
---
apiVersion: v1
kind: Pod
metadata: {name: all-0, namespace: shop, annotations: ${JSON.stringify(annotations)}}
spec:
  containers:
    - name: all
      ports: [{containerPort: 8080}, {containerPort: 6379}, {containerPort: 9000}, {containerPort: 53, protocol: UDP}]
status: {podIP: 10.0.0.1}
---
${slice('all', 'http', { port: targets.http })}
${slice('all', 'redis', { port: targets.redis })}
${slice('all', 'other', { port: targets.other })}
${slice('all', 'dns', { port: targets.dns, protocol: 'UDP' })}
${extra}`

function sidecar(annotations: object, { targets = onLaptop, extra = '' }: { targets?: Targets; extra?: string } = {}) {
  const { mesh } = translate(readResources(yaml(annotations, { targets, extra })))
  const workload = mesh.workloads.get('all-0.shop')!
  const served = new ServedPorts(mesh)
  const listeners = new Map(
    sidecarListeners(workload, { mesh, served, isOurs: true }).map((one): [string, Listener] => [one.name, one]),
  )
  return { mesh, listeners, clusters: new Map(inboundClusters(workload, served).map((one) => [one.name, one])) }
}

const laptop = {
  'weft.dev/ports': JSON.stringify(ports),
  'weft.dev/outbound': '127.0.0.1:11',
  'weft.dev/explicit': JSON.stringify({
    'all.shop.svc.cluster.local:80': '127.0.0.1:12',
    'all.shop.svc.cluster.local:6379': '127.0.0.1:13',
    'all.shop.svc.cluster.local:9000': '127.0.0.1:14',
    'all.shop.svc.cluster.local:53/udp': '127.0.0.1:15',
    'gone.shop.svc.cluster.local:80': '127.0.0.1:16',
  }),
}

/** `protocol target streams`, as far as they are said. */
function summary({ protocol = 'http', target, streams = [] }: Listener): string {
  const clusters = streams.flatMap(({ backends }) => backends.map((one) => (one.type === 'cluster' ? one.cluster : '')))
  return [protocol, target.type, ...clusters].join(' ')
}

test('each port of an application takes what its Services say, and what nobody said is found out', () => {
  const { listeners, clusters } = sidecar(laptop)
  const inbound = [...listeners.values()].filter(({ direction }) => direction === 'inbound')
  assert.deepEqual(Object.fromEntries(inbound.map((one) => [one.name, summary(one)])), {
    'inbound:8080': 'http routes',
    'inbound:6379': 'tcp streams inbound:6379',
    'inbound:9000': 'auto routes inbound:9000',
    'inbound:53/udp': 'udp streams inbound:53/udp',
    'inbound:7000': 'http routes',
  })
  assert.deepEqual(
    [...clusters.values()].map(({ name, protocol, service }) => `${name} ${protocol} ${service?.port ?? '-'}`),
    [
      'inbound:8080 http1 80',
      'inbound:6379 http1 6379',
      'inbound:9000 downstream 9000',
      'inbound:53/udp http1 53',
      'inbound:7000 http2 -',
    ],
  )
})

test('an explicit listener takes what its destination speaks; what is not there has none', () => {
  const { listeners } = sidecar(laptop)
  const explicit = [...listeners.values()].filter(({ name }) => name.startsWith('explicit:'))
  const host = 'all.shop.svc.cluster.local'
  assert.deepEqual(Object.fromEntries(explicit.map((one) => [one.name, summary(one)])), {
    [`explicit:${host}:80`]: 'http routes',
    [`explicit:${host}:6379`]: `tcp streams ${host}:6379`,
    [`explicit:${host}:9000`]: `auto routes ${host}:9000`,
    [`explicit:${host}:53/udp`]: `udp streams ${host}:53/udp`,
  })
  assert.ok(explicit.every(({ isLazy, address }) => isLazy && address))
})

test('a redirected inbound tells ports apart: no virtual host for what takes no requests, and no datagrams', () => {
  const { listeners, clusters } = sidecar({ 'weft.dev/redirected': 'true' }, { targets: inPod })
  const inbound = listeners.get('inbound')!
  assert.equal(inbound.protocol, 'auto')
  assert.deepEqual(
    inbound.streams?.map(({ port, name }) => `${port} ${name}`),
    ['6379 inbound:6379', '9000 inbound:9000'],
  )
  const { target } = inbound
  assert.ok(target.type === 'routes' && target.routes.type === 'inline')
  const domains = target.routes.configuration.virtualHosts.flatMap((host) => host.domains)
  assert.deepEqual(domains, ['*:8080', '*:9000'])
  assert.ok(!clusters.has('inbound:53/udp'))
})

test('two Services that contradict one another leave it to be found out', () => {
  const second = `
apiVersion: v1
kind: Service
metadata: {name: second, namespace: shop}
spec: {ports: [{name: tcp, port: 80, targetPort: 8080}]}
---
${slice('second', 'tcp', { port: 2 })}`
  const { listeners } = sidecar(laptop, { extra: second })
  assert.equal(summary(listeners.get('inbound:8080')!), 'auto routes inbound:8080')
})

const tcpRoute = (namespace: string): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {name: all, namespace: ${namespace}}
spec:
  parentRefs: [{group: "", kind: Service, name: all, namespace: shop, port: 80}]
  rules: [{backendRefs: [{name: all, namespace: shop, port: 6379}]}]
---`

test("a consumer's TCPRoute makes the destination opaque for its own namespace alone", () => {
  const { mesh } = sidecar(laptop, { extra: tcpRoute('web') })
  const destination = 'all.shop.svc.cluster.local:80'
  const seen = (mesh: Mesh, namespace: string) => summary(destinationListener(mesh, { destination, namespace })!)
  assert.equal(seen(mesh, 'shop'), 'http routes')
  assert.equal(seen(mesh, 'web'), 'tcp streams all.shop.svc.cluster.local:6379')
  assert.equal(destinationListener(mesh, { destination: 'nowhere:80', namespace: 'web' }), undefined)
})

test('a real Envoy gets streams, and no datagrams', () => {
  const { mesh } = translate(readResources(yaml(laptop, { targets: onLaptop, extra: '' })))
  const workload = mesh.workloads.get('all-0.shop')!
  const listeners = sidecarListeners(workload, { mesh, served: new ServedPorts(mesh), isOurs: false })
  const protocols = listeners.map(({ protocol = 'http' }) => protocol)
  assert.ok(protocols.includes('tcp') && !protocols.includes('udp'))
  assert.ok(listeners.every(({ isLazy }) => !isLazy))
})

test('a client without a proxy gets requests whatever the port says', () => {
  const { mesh } = sidecar(laptop)
  const listener = requestListener(mesh, { destination: 'all.shop.svc.cluster.local:6379', namespace: 'shop' })
  assert.equal(summary(listener), 'http routes')
})
