import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AppEnvironmentOptions, appEnvironment, expandArguments } from './app-environment.ts'
import type { ContainerPlan, WorkloadPlan } from './workload-plan.ts'

const container: ContainerPlan = {
  name: 'cart',
  argv: ['cart'],
  folder: '/',
  environment: [],
  ports: [
    { port: 8080, name: 'http', protocol: 'TCP' },
    { port: 9090, name: 'grpc-api', protocol: 'TCP' },
  ],
}
const workload: WorkloadPlan = {
  namespace: 'shop',
  name: 'cart',
  replicas: 1,
  labels: { app: 'cart' },
  annotations: {},
  serviceAccount: 'cart',
  hasServiceLinks: true,
  graceMs: 1000,
  containers: [container],
  hash: 'abcde',
}
const at = (port: number) => ({ host: '127.0.0.1', port })

function environment(changes: Partial<AppEnvironmentOptions> = {}): Record<string, string> {
  return appEnvironment({
    inherited: {},
    workload,
    container,
    pod: 'cart-abcde-0',
    podAddress: '127.0.0.1',
    listen: new Map([
      [8080, at(20001)],
      [9090, at(20002)],
    ]),
    outbound: at(20003),
    services: [],
    ...changes,
  })
}

test('PORT is the first port and PORT_NAME the named ones, and they win over values meant for a cluster', () => {
  const { PORT, HOST, PORT_HTTP, PORT_GRPC_API } = environment({
    container: { ...container, environment: [{ name: 'PORT', value: '8080' }] },
  })
  assert.deepEqual(
    { PORT, HOST, PORT_HTTP, PORT_GRPC_API },
    {
      PORT: '20001',
      HOST: '127.0.0.1',
      PORT_HTTP: '20001',
      PORT_GRPC_API: '20002',
    },
  )
})

test('calls lead to the sidecar, whatever proxy the user has, and only loopback stays out', () => {
  const inherited = { HTTP_PROXY: 'http://corporate:3128', no_proxy: '.svc.cluster.local,reviews', ALL_PROXY: 'x' }
  const { http_proxy, HTTP_PROXY, no_proxy, NO_PROXY, NODE_USE_ENV_PROXY, ALL_PROXY } = environment({ inherited })
  assert.equal(http_proxy, 'http://127.0.0.1:20003')
  assert.equal(HTTP_PROXY, http_proxy)
  assert.equal(no_proxy, 'localhost,127.0.0.1,::1')
  assert.equal(NO_PROXY, no_proxy)
  assert.equal(NODE_USE_ENV_PROXY, '1')
  assert.equal(ALL_PROXY, undefined)
})

test('where the kernel redirects calls there is no proxy variable', () => {
  const found = environment({ outbound: undefined as never, inherited: { http_proxy: 'http://corporate:3128' } })
  assert.deepEqual(
    Object.keys(found).filter((name) => /proxy/i.test(name)),
    [],
  )
})

const reviews = {
  service: {
    apiVersion: 'v1' as const,
    kind: 'Service' as const,
    metadata: { name: 'user-reviews', namespace: 'shop' },
    spec: {
      ports: [
        { port: 80, name: 'http' },
        { port: 53, name: 'dns', protocol: 'UDP' as const },
      ],
    },
  },
  addresses: new Map([
    [80, at(20010)],
    [53, at(20011)],
  ]),
}

test('Services of the namespace are told as a kubelet tells them', () => {
  const found = environment({ services: [reviews] })
  const told = Object.entries(found).filter(([name]) => name.startsWith('USER_REVIEWS'))
  assert.deepEqual(Object.fromEntries(told), {
    USER_REVIEWS_SERVICE_HOST: '127.0.0.1',
    USER_REVIEWS_SERVICE_PORT: '20010',
    USER_REVIEWS_SERVICE_PORT_HTTP: '20010',
    USER_REVIEWS_SERVICE_PORT_DNS: '20011',
    USER_REVIEWS_PORT: 'tcp://127.0.0.1:20010',
    USER_REVIEWS_PORT_80_TCP: 'tcp://127.0.0.1:20010',
    USER_REVIEWS_PORT_80_TCP_PROTO: 'tcp',
    USER_REVIEWS_PORT_80_TCP_PORT: '20010',
    USER_REVIEWS_PORT_80_TCP_ADDR: '127.0.0.1',
    USER_REVIEWS_PORT_53_UDP: 'udp://127.0.0.1:20011',
    USER_REVIEWS_PORT_53_UDP_PROTO: 'udp',
    USER_REVIEWS_PORT_53_UDP_PORT: '20011',
    USER_REVIEWS_PORT_53_UDP_ADDR: '127.0.0.1',
  })
})

test('who asks not to be told of Services (enableServiceLinks) is not', () => {
  const found = environment({ services: [reviews], workload: { ...workload, hasServiceLinks: false } })
  assert.ok(!Object.keys(found).some((name) => name.startsWith('USER_REVIEWS')))
})

test('values of the container win over inherited ones, may name others, and may take fields of the pod', () => {
  const entries = [
    { name: 'WHERE', value: '$(POD_NAMESPACE)/$(MISSING)/$$(POD_NAME)' },
    { name: 'LANG', value: 'C' },
    { name: 'ME', field: 'metadata.name' },
    { name: 'APP', field: "metadata.labels['app']" },
  ]
  const found = environment({
    inherited: { LANG: 'de', PATH: '/bin', WEFT_CONTROL: 'x' },
    container: { ...container, environment: entries },
  })
  assert.equal(found.WHERE, 'shop/$(MISSING)/$(POD_NAME)')
  assert.equal(found.LANG, 'C')
  assert.equal(found.PATH, '/bin')
  assert.equal(found.ME, 'cart-abcde-0')
  assert.equal(found.APP, 'cart')
  assert.equal(found.WEFT_CONTROL, undefined)
  assert.deepEqual(expandArguments(['--me=$(ME)', '$$'], found), ['--me=cart-abcde-0', '$'])
})
