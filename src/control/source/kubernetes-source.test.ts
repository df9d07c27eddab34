import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { KindName } from '#/api/kinds.ts'
import { ApiClient } from '#/kubernetes/api-client.ts'
import { resourcePath } from '#/kubernetes/resource.ts'
import { FakeApiServer } from '#/kubernetes/testing/fake-api-server.ts'
import { systemClock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { until } from '#/up/testing/until.ts'
import { FileSource } from './file-source.ts'
import { resourcesOf, trimObject } from './kubernetes-kind.ts'
import { KubernetesSource } from './kubernetes-source.ts'
import { type SourceObject, sourceContract } from './testing/source-contract.ts'

const log = new Log({ component: 'test', sink: { write() {} } })

const pathOf = ({ kind }: SourceObject): string => resourcePath(resourcesOf(kind as KindName)[0]!)

sourceContract('a cluster', async () => {
  const server = new FakeApiServer()
  const client = new ApiClient(await server.start())
  const source = new KubernetesSource({ client, clock: systemClock, log })
  return {
    source,
    write: (object) => void server.put(pathOf(object), object),
    remove: (object) => server.delete(pathOf(object), object.metadata),
    async stop() {
      source.stop()
      client.stop()
      await server.stop()
    },
  }
})

sourceContract('a folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-source-'))
  const source = new FileSource({ directories: [folder], clock: systemClock, log })
  const fileOf = ({ kind, metadata: { name } }: SourceObject): string => join(folder, `${kind}-${name}.yaml`)
  return {
    source,
    write: (object) => writeFileSync(fileOf(object), JSON.stringify(object)),
    remove: (object) => rmSync(fileOf(object)),
    stop() {
      source.stop()
      rmSync(folder, { recursive: true })
    },
  }
})

describe('a cluster with bad days', () => {
  let server: FakeApiServer
  let client: ApiClient
  before(async () => {
    server = new FakeApiServer()
    client = new ApiClient(await server.start())
  })
  after(async () => {
    client.stop()
    await server.stop()
  })

  test('tells nothing before every kind was listed, and lives without kinds that it does not have', async () => {
    server.put('/api/v1/services', {
      metadata: { name: 'a', namespace: 'shop' },
      spec: { ports: [{ port: 80 }] },
    } as never)
    server.deny = ({ path }) => {
      if (path.includes('weft.dev')) return { status: 404, reason: 'NotFound', message: 'not found' }
      return path.endsWith('/pods') ? { status: 403, reason: 'Forbidden', message: 'pods is forbidden' } : undefined
    }
    const source = new KubernetesSource({ client, clock: systemClock, log, random: () => 0 })
    await until(
      () => source.states().get('Pod')?.type === 'waiting' && source.states().get('Mesh')?.type === 'absent',
      'both',
    )
    assert.equal(source.value, undefined, 'services alone would mean that all endpoints are gone')
    server.deny = ({ path }) =>
      path.includes('weft.dev') ? { status: 404, reason: 'NotFound', message: 'not found' } : undefined
    await until(() => source.value !== undefined, 'the first snapshot')
    assert.deepEqual([...source.value!.resources.of('Service').keys()], ['shop/a'])
    source.stop()
  })
})

test('of a Pod only what a mesh reads is kept, and of a Service no field that Weft does not know', () => {
  const pod = trimObject('Pod', {
    metadata: { name: 'a', namespace: 'shop', managedFields: [{ manager: 'kubelet' }], labels: { app: 'a' } },
    spec: {
      nodeName: 'n',
      volumes: [{ name: 'v' }],
      containers: [{ name: 'c', image: 'i', env: [{ name: 'X' }], ports: [{ containerPort: 80, hostIP: '' }] }],
    },
    status: {
      podIP: '198.18.0.9',
      conditions: [{ type: 'Ready', status: 'True', message: 'long' }],
      containerStatuses: [{}],
    },
  } as never)
  assert.deepEqual(pod, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a', namespace: 'shop', labels: { app: 'a' } },
    spec: { nodeName: 'n', containers: [{ name: 'c', ports: [{ containerPort: 80 }] }] },
    status: { podIP: '198.18.0.9', conditions: [{ type: 'Ready', status: 'True' }] },
  })
  const service = trimObject('Service', {
    metadata: { name: 'a' },
    spec: { ports: [{ port: 80 }], comesIn2030: true },
  } as never)
  assert.deepEqual((service as unknown as { spec: unknown }).spec, { ports: [{ port: 80 }] })
})
