import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { RateLimitResponse_Code as Code } from '#/xds/proto/envoy/service/ratelimit/v3/rls_pb.ts'
import { startEnvoy } from './envoy.ts'
import { freePort, LimitClient, startLimits, startRedis } from './rate-limit-service.ts'

const limits = `domain: shop
descriptors:
  - key: destination
    rate_limit: { unit: second, requests_per_unit: 1000 }
  - key: user
    rate_limit: { unit: hour, requests_per_unit: 3 }
`

/** Asks again and again until told to end; counts what was granted. */
class Load {
  granted = 0
  asked = 0
  #isOver = false
  readonly #ended: Promise<unknown>

  constructor(clients: readonly LimitClient[]) {
    // Each client as a sidecar with some requests under way, well above twice the limit together.
    this.#ended = Promise.all(clients.flatMap((client) => Array.from({ length: 6 }, () => this.#run(client))))
  }

  async #run(client: LimitClient): Promise<void> {
    while (!this.#isOver) {
      const { overallCode } = await client.ask('shop', 'destination', 'reviews')
      this.asked++
      if (overallCode === Code.OK) this.granted++
      await pause(3)
    }
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#ended
  }
}

/** Whole seconds, so that the windows of Redis fit in. @returns what was granted a second. */
async function rateOf(load: Load, seconds: number): Promise<number> {
  const [before, beginMs] = [load.granted, performance.now()]
  await pause(seconds * 1000)
  return ((load.granted - before) * 1000) / (performance.now() - beginMs)
}

async function until(isTrue: () => Promise<boolean>, what: string): Promise<void> {
  const lastMs = performance.now() + 15_000
  while (!(await isTrue())) {
    if (performance.now() > lastMs) throw new Error(`not within 15 s: ${what}`)
    await pause(20)
  }
}

test('1000 a second through four clients and two services on one Redis, through its death and return', async (t) => {
  const port = await freePort()
  let redis = await startRedis(port)
  t.after(() => redis.stop())
  const words = ['--redis', `redis://127.0.0.1:${port}`, '--redis-gone', 'deny', '--redis-timeout', '500']
  const services = await Promise.all([startLimits(limits, words), startLimits(limits, words)])
  for (const service of services) t.after(() => service.stop())
  const areReady = (isReady: boolean) => async (): Promise<boolean> => {
    const pages = await Promise.all(services.map((service) => service.metrics()))
    return pages.every((page) => page.includes(`weft_ratelimit_store_ready ${isReady ? 1 : 0}`))
  }
  await until(areReady(true), 'both have found Redis')
  const clients = [0, 1, 0, 1].map((index) => new LimitClient(services[index]!.address))
  t.after(() => {
    for (const client of clients) client.close()
  })
  const load = new Load(clients)
  try {
    // The first window is granted as fast as it is asked for.
    await pause(2000)
    const before = await rateOf(load, 6)
    assert.ok(Math.abs(before - 1000) < 20, `${before} a second before, ${load.asked} asked in all`)
    await redis.stop()
    await until(areReady(false), 'both know that Redis is gone')
    const granted = load.granted
    await pause(300)
    assert.equal(load.granted, granted, 'told to deny')
    redis = await startRedis(port)
    await until(areReady(true), 'both have found Redis again')
    await pause(2000)
    const after = await rateOf(load, 6)
    assert.ok(Math.abs(after - 1000) < 20, `${after} a second after`)
    t.diagnostic(`${before.toFixed(1)} a second before, ${after.toFixed(1)} after, ${load.asked} asked in all`)
  } finally {
    await load.end()
  }
  assert.match(await services[0]!.metrics(), /weft_ratelimit_store_failures_total [1-9]/)
})

async function startApplication(t: TestContext): Promise<number> {
  const server = createServer((_request, response) => response.end('well\n')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

const endpoint = (port: number) => ({
  lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } }],
})

function bootstrap(application: number, service: number): object {
  const cluster = (name: string, port: number) => ({
    name,
    type: 'STATIC',
    load_assignment: { cluster_name: name, endpoints: [endpoint(port)] },
  })
  const http2 = { '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions' }
  const limitsCluster = {
    ...cluster('limits', service),
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
        ...http2,
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  }
  const actions = [{ request_headers: { header_name: 'x-user', descriptor_key: 'user' } }]
  const route = { match: { prefix: '/' }, route: { cluster: 'application', rate_limits: [{ actions }] } }
  const rateLimit = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.ratelimit.v3.RateLimit',
    domain: 'shop',
    failure_mode_deny: true,
    timeout: '1s',
    enable_x_ratelimit_headers: 'DRAFT_VERSION_03',
    rate_limit_service: { transport_api_version: 'V3', grpc_service: { envoy_grpc: { cluster_name: 'limits' } } },
  }
  const router = { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' }
  const manager = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'in',
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: [route] }] },
    http_filters: [
      { name: 'envoy.filters.http.ratelimit', typed_config: rateLimit },
      { name: 'envoy.filters.http.router', typed_config: router },
    ],
  }
  const listener = {
    name: 'in',
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] }],
  }
  return { static_resources: { listeners: [listener], clusters: [cluster('application', application), limitsCluster] } }
}

async function portOf(admin: string): Promise<number> {
  const answer = await fetch(`${admin}/listeners?format=json`)
  const { listener_statuses: statuses } = (await answer.json()) as {
    listener_statuses: { local_address: { socket_address: { port_value: number } } }[]
  }
  return statuses[0]!.local_address.socket_address.port_value
}

test('an Envoy that asks gets what the limits say, and tells its clients how much is left', async (t) => {
  const service = await startLimits(limits)
  t.after(() => service.stop())
  const application = await startApplication(t)
  const envoy = await startEnvoy(bootstrap(application, Number(service.address.split(':')[1])))
  t.after(() => envoy.stop())
  const url = `http://127.0.0.1:${await portOf(envoy.admin)}/`
  const call = async (user: string): Promise<[status: number, remaining: string | null]> => {
    const answer = await fetch(url, { headers: { 'x-user': user } })
    await answer.text()
    return [answer.status, answer.headers.get('x-ratelimit-remaining')]
  }
  assert.deepEqual(await call('ada'), [200, '2'])
  assert.deepEqual(await call('ada'), [200, '1'])
  assert.deepEqual(await call('ada'), [200, '0'])
  assert.deepEqual(await call('ada'), [429, '0'])
  assert.deepEqual(await call('bob'), [200, '2'])
  assert.match(await service.metrics(), /limit="shop.user",outcome="refused"\} 1/)
})
