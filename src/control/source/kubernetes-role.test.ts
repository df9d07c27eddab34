import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiClient } from '#/kubernetes/api-client.ts'
import { LeaderLease } from '#/kubernetes/leader-lease.ts'
import { FakeApiServer } from '#/kubernetes/testing/fake-api-server.ts'
import { systemClock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { until } from '#/up/testing/until.ts'
import { watchedKinds } from './kubernetes-kind.ts'
import { clusterRules, namespaceRules, type PolicyRule } from './kubernetes-role.ts'
import { KubernetesSource } from './kubernetes-source.ts'

const log = new Log({ component: 'test', sink: { write() {} } })

/** `GET /apis/G/v1/things?watch=true` as an authorizer sees it: `watch things.G`. */
function rightOf(request: string): string {
  const [method, url = ''] = request.split(' ')
  const { pathname, searchParams } = new URL(url, 'http://fake')
  const match = /^\/(?:api|apis\/([^/]+))\/[^/]+(?:\/namespaces\/[^/]+)?\/([^/]+)(\/[^/]+)?$/.exec(pathname)!
  const [, group = '', plural, name] = match
  const read = searchParams.has('watch') ? 'watch' : name ? 'get' : 'list'
  const verb = { GET: read, POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' }[method!]
  return `${verb} ${plural}.${group}`
}

const rightsOf = (rules: readonly PolicyRule[]): string[] =>
  rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((one) => verbs.map((verb) => `${verb} ${one}.${group}`))),
  )

test('the rights are exactly those of the calls that are made', async () => {
  const server = new FakeApiServer()
  const client = new ApiClient(await server.start())
  const source = new KubernetesSource({ client, clock: systemClock, log })
  const lease = new LeaderLease({
    client,
    namespace: 'weft-system',
    name: 'control',
    holder: 'a',
    clock: systemClock,
    log,
  })
  await until(
    () => server.watchCount === watchedKinds.length && lease.isLeader.value === true,
    'all watches and the lease',
  )
  await lease.stop()
  source.stop()
  client.stop()
  await server.stop()
  const made = [...new Set(server.requests.map(rightOf))].sort()
  assert.deepEqual(made, [...rightsOf(clusterRules()), ...rightsOf(namespaceRules())].sort())
})
