/** A real Kubernetes, two at once, and Weft's client and source on it. Fails, and says what is missing, where none can run. */
import assert from 'node:assert/strict'
import { Resolver } from 'node:dns/promises'
import { after, before, describe, test } from 'node:test'
import type { KindName } from '#/api/kinds.ts'
import { resourcesOf } from '#/control/source/kubernetes-kind.ts'
import { clusterRole } from '#/control/source/kubernetes-role.ts'
import { KubernetesSource } from '#/control/source/kubernetes-source.ts'
import { sourceContract } from '#/control/source/testing/source-contract.ts'
import { type ApiAccess, accessFromKubeconfig } from '#/kubernetes/api-access.ts'
import { ApiClient } from '#/kubernetes/api-client.ts'
import { ApiError } from '#/kubernetes/api-error.ts'
import { LeaderLease } from '#/kubernetes/leader-lease.ts'
import { Reflector } from '#/kubernetes/reflector.ts'
import type { ApiObject, Resource } from '#/kubernetes/resource.ts'
import { systemClock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { until } from '#/up/testing/until.ts'
import { definitionOf, ownKinds } from '../../tools/crds.ts'
import { type Footprint, footprint } from './footprint.ts'
import { weftImage, weftImageName, weftUser } from './image/weft-image.ts'
import { kubeconfigPath } from './kubeconfig.ts'
import { kubectl } from './kubectl.ts'
import { bringUp, importTar, listPlans, takeDown } from './lifecycle.ts'
import type { Plan } from './plan.ts'
import { missingRequirements } from './requirement.ts'
import { routeDefinition } from './route-definition.ts'

const log = new Log({ component: 'test', sink: { write() {} } })
const tell = (line: string): void => void process.stderr.write(`${line}\n`)
const configMaps: Resource = { group: '', version: 'v1', plural: 'configmaps', isNamespaced: true }
const namespaces: Resource = { group: '', version: 'v1', plural: 'namespaces', isNamespaced: false }
const configMap = (name: string, data: Record<string, string>): ApiObject =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' }, data }) as never

let clean: Footprint
let plan: Plan
let admin: ApiAccess
let client: ApiClient

before(async () => {
  assert.deepEqual(missingRequirements(), [], 'this machine can run a cluster')
  // A run that was cut off left its clusters.
  for (const left of listPlans()) if (left.name === 'suite' || left.name === 'suite-b') await takeDown(left)
  clean = footprint()
  plan = await bringUp({ name: 'suite', tell })
  admin = accessFromKubeconfig(kubeconfigPath(plan))
  client = new ApiClient(admin)
})

after(async () => {
  client?.stop()
  if (!plan) return
  await takeDown(plan)
  assert.deepEqual(footprint(), clean, 'nothing is left')
})

describe('the client on a real API server', () => {
  test('applies server-side: one field of two owners is a conflict, others are left alone', async () => {
    await client.apply(configMaps, configMap('shared', { a: '1' }), { manager: 'first' })
    await client.apply(configMaps, configMap('shared', { b: '2' }), { manager: 'second' })
    const both = await client.get<ApiObject & { data: object }>(configMaps, { namespace: 'default', name: 'shared' })
    assert.deepEqual(both.data, { a: '1', b: '2' })
    const again = client.apply(configMaps, configMap('shared', { a: '3' }), { manager: 'second' })
    await assert.rejects(again, (error) => error instanceof ApiError && error.isConflict && /first/.test(error.message))
  })

  test('follows a kind from its list on', async () => {
    for (let index = 0; index < 20; index++)
      await client.apply(configMaps, configMap(`many-${index}`, {}), { manager: 'test' })
    const names = new Set<string>()
    const reflector = new Reflector<string>({
      client,
      versions: [configMaps],
      trim: ({ metadata }) => metadata.name,
      sink: {
        onList: (all) => all.forEach((name) => void names.add(name)),
        onSet: (name) => void names.add(name),
        onDelete: (name) => void names.delete(name),
      },
      clock: systemClock,
      log,
    })
    reflector.start()
    await until(() => names.has('many-19'), 'the list')
    await client.delete(configMaps, { namespace: 'default', name: 'many-3' })
    await until(() => !names.has('many-3'), 'the deletion')
    reflector.stop()
  })

  test('leads by a Lease that kubectl shows', async () => {
    const options = { client, namespace: 'default', name: 'weft-test', clock: systemClock, log }
    const lease = new LeaderLease({ ...options, holder: 'one' })
    await until(() => lease.isLeader.value === true, 'leadership')
    const second = new LeaderLease({ ...options, holder: 'two' })
    assert.equal(kubectl(plan, ['get', 'lease', 'weft-test', '-o', 'jsonpath={.spec.holderIdentity}']), 'one')
    await lease.stop()
    await until(() => second.isLeader.value === true, 'its successor')
    await second.stop()
  })
})

describe('the source on a real API server', () => {
  before(async () => {
    kubectl(plan, ['apply', '--server-side', '-f', '-'], JSON.stringify(routeDefinition))
    kubectl(plan, ['wait', '--for=condition=Established', 'crd/httproutes.gateway.networking.k8s.io'])
    await client.apply(
      namespaces,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'contract' } },
      { manager: 'test' },
    )
  })

  test('needs no more than its ClusterRole', async () => {
    const account = { kind: 'ServiceAccount', name: 'weft', namespace: 'default' }
    const binding = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'weft-test' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'weft-test' },
      subjects: [account],
    }
    const serviceAccount = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'weft', namespace: 'default' },
    }
    const items = [serviceAccount, clusterRole('weft-test'), binding]
    kubectl(plan, ['apply', '--server-side', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
    const token = kubectl(plan, ['create', 'token', 'weft']).trim()
    const own = new ApiClient({ ...admin, token: () => token })
    const source = new KubernetesSource({ client: own, clock: systemClock, log })
    await until(() => source.value !== undefined, 'a snapshot')
    assert.ok(source.value!.resources.of('Service').has('default/kubernetes'))
    assert.deepEqual(source.value!.faults, [])
    const secrets = { group: '', version: 'v1', plural: 'secrets', isNamespaced: true }
    await assert.rejects(own.get(secrets, { namespace: 'default', name: 'x' }), /forbidden/)
    source.stop()
    own.stop()
  })

  sourceContract('a real cluster', async () => {
    const source = new KubernetesSource({ client, clock: systemClock, log })
    await until(() => source.value !== undefined, 'the first snapshot')
    const resource = (kind: string): Resource => resourcesOf(kind as KindName)[0]!
    const written = new Set<string>()
    const remove = async (kind: string, name: string): Promise<void> => {
      if (written.delete(`${kind} ${name}`)) await client.delete(resource(kind), { namespace: 'contract', name })
    }
    return {
      source,
      async write(object) {
        written.add(`${object.kind} ${object.metadata.name}`)
        await client.apply(resource(object.kind), object as ApiObject, { manager: 'test', isForced: true })
      },
      remove: ({ kind, metadata }) => remove(kind, metadata.name),
      async stop() {
        for (const [kind, name] of [...written].map((one) => one.split(' '))) await remove(kind!, name!)
        source.stop()
      },
    }
  })
})

describe('the definitions of Weft’s kinds', () => {
  const mesh = (name: string, mode: string): string =>
    JSON.stringify({ apiVersion: 'weft.dev/v1alpha1', kind: 'Mesh', metadata: { name }, spec: { outbound: { mode } } })

  before(() => {
    const items = ownKinds.map(definitionOf)
    kubectl(plan, ['apply', '--server-side', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
    for (const { metadata } of items as { metadata: { name: string } }[])
      kubectl(plan, ['wait', '--for=condition=Established', `crd/${metadata.name}`])
  })

  test('are structural, and take what Weft takes', () => {
    for (const { metadata } of ownKinds.map(definitionOf) as { metadata: { name: string } }[]) {
      const path = 'jsonpath={.status.conditions[?(@.type=="NonStructuralSchema")].message}'
      assert.equal(kubectl(plan, ['get', 'crd', metadata.name, '-o', path]), '', metadata.name)
    }
    kubectl(plan, ['apply', '--server-side', '-f', '-'], mesh('default', 'RegistryOnly'))
  })

  test('refuse what Weft refuses: a wrong value, an unknown field, a second mesh', () => {
    const apply = (text: string): void => void kubectl(plan, ['apply', '--server-side', '-f', '-'], text)
    assert.throws(() => apply(mesh('default', 'Sometimes')), /Unsupported value: "Sometimes"/)
    assert.throws(
      () => apply(mesh('default', 'AllowAny').replace('"mode"', '"mood"')),
      /unknown field "spec.outbound.mood"|not declared in schema/,
    )
    assert.throws(() => apply(mesh('other', 'AllowAny')), /there is one mesh/)
  })
})

describe('pods', () => {
  function isApplied(list: string): boolean {
    try {
      kubectl(plan, ['apply', '--server-side', '-f', '-'], list)
      return true
    } catch (error) {
      if (/serviceaccount "default" not found/.test(String(error))) return false
      throw error
    }
  }
  async function textOf(url: string): Promise<string> {
    try {
      return await (await fetch(url, { signal: AbortSignal.timeout(1000) })).text()
    } catch {
      // kube-proxy hears of the endpoint a moment after it is ready.
      return ''
    }
  }

  test('run, and are reached from the host by a ClusterIP: the DNS of the cluster answers', async () => {
    const resolver = new Resolver({ timeout: 1000, tries: 10 })
    resolver.setServers([plan.dnsAddress])
    assert.deepEqual(await resolver.resolve4('kubernetes.default.svc.cluster.local'), [plan.apiServiceAddress])
  })

  test('run Weft’s own image: not root, nothing writable, reached by their Service', async () => {
    await importTar(plan, await weftImage())
    const program = "require('http').createServer((q, r) => r.end(String(process.getuid()))).listen(8080)"
    const securityContext = {
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      runAsNonRoot: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    }
    const container = {
      name: 'app',
      image: weftImageName,
      imagePullPolicy: 'Never',
      args: ['-e', program],
      securityContext,
    }
    const metadata = { name: 'web', namespace: 'restricted' }
    const spec = { terminationGracePeriodSeconds: 1, containers: [container] }
    const items = [
      {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: 'restricted', labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
      },
      { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, labels: { app: 'web' } }, spec },
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata,
        spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] },
      },
    ]
    const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items })
    // The namespace's own service account comes a moment after the namespace.
    await until(() => isApplied(list), 'namespace, pod and service', 30_000)
    kubectl(plan, ['-n', 'restricted', 'wait', '--for=condition=Ready', 'pod/web', '--timeout=60s'])
    const address = kubectl(plan, ['-n', 'restricted', 'get', 'service', 'web', '-o', 'jsonpath={.spec.clusterIP}'])
    let answer = ''
    await until(async () => (answer = await textOf(`http://${address}/`)) !== '', 'an answer of the Service', 20_000)
    assert.equal(answer, String(weftUser))
    const written = [
      '-n',
      'restricted',
      'exec',
      'web',
      '--',
      '/usr/local/bin/node',
      '-e',
      "require('fs').writeFileSync('/x', '')",
    ]
    assert.throws(() => kubectl(plan, written), /EROFS/)
  })

  test('two clusters run at once, and the second leaves the first alone', async () => {
    const second = await bringUp({ name: 'suite-b', tell })
    try {
      assert.notEqual(second.nodeAddress, plan.nodeAddress)
      assert.match(kubectl(second, ['get', 'nodes']), /node-0\s+Ready/)
    } finally {
      await takeDown(second)
    }
    assert.match(kubectl(plan, ['get', 'nodes']), /node-0\s+Ready/)
  })
})
