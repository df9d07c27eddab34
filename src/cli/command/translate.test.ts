import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { runCli } from '../testing/run-cli.ts'

const hello = fileURLToPath(new URL('../../../examples/hello', import.meta.url))
const greeting = 'greeting.hello.svc.cluster.local:80'

test('the model shows services, routes, clusters and statuses as YAML', async () => {
  const { code, output, errors } = await runCli(['translate', '-f', hello])
  assert.deepEqual([code, errors], [0, ''])
  const model = parse(output)
  assert.deepEqual(Object.keys(model), [
    'services',
    'workloads',
    'routes',
    'destinations',
    'clusters',
    'assignments',
    'statuses',
  ])
  const [route] = model.routes[greeting].virtualHosts[0].routes
  assert.deepEqual(
    route.action.backends.map(({ weight }: { weight: number }) => weight),
    [100, 0],
  )
  const status = model.statuses.find(({ ref }: { ref: { kind: string } }) => ref.kind === 'HTTPRoute')
  assert.equal(status.parents[0].conditions[0].type, 'Accepted')
})

test('xds shows the same as Envoy spells it, with what is packed inside', async () => {
  const { output } = await runCli(['translate', '-f', hello, '--to', 'xds', '-o', 'json'])
  const { routes, clusters } = JSON.parse(output)
  const found = routes.find(({ name }: { name: string }) => name === greeting)
  assert.equal(found.virtual_hosts[0].routes[0].route.weighted_clusters.clusters[0].weight, 100)
  assert.equal(clusters.find(({ name }: { name: string }) => name === greeting).type, 'EDS')
})

test('a Pod brings the listeners and clusters of its sidecar', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-translate-'))
  const annotations = {
    'weft.dev/ports': '[{"port":8080,"application":"127.0.0.1:20001","inbound":"127.0.0.1:20002"}]',
    'weft.dev/outbound': '127.0.0.1:20003',
  }
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web-0', namespace: 'hello', annotations },
    spec: { containers: [{ name: 'web' }] },
  }
  writeFileSync(join(folder, 'pod.yaml'), JSON.stringify(pod))
  const { output } = await runCli(['translate', '-f', hello, '-f', folder, '--to', 'xds', '-o', 'json'])
  rmSync(folder, { recursive: true })
  const [sidecar] = JSON.parse(output).sidecars
  assert.equal(sidecar.node, 'web-0.hello')
  const inbound = sidecar.listeners.find(({ name }: { name: string }) => name === 'inbound:8080')
  assert.equal(inbound.address.socket_address.port_value, 20002)
  assert.match(inbound.filter_chains[0].filters[0].typed_config['@type'], /HttpConnectionManager$/)
})

test('without -f, or of what is not there, the exit code is 2', async () => {
  assert.equal((await runCli(['translate'])).code, 2)
  assert.equal((await runCli(['translate', '-f', '/nonexistent'])).code, 2)
})
