/** What every source keeps to, whether it reads files or a cluster: one suite, run over each. */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { Watched } from '#/std/watched.ts'
import { until } from '#/up/testing/until.ts'
import type { SourceSnapshot } from '../file-source.ts'

export interface SourceObject {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string> }
  [field: string]: unknown
}

/** A world that a source looks at. */
export interface SourceWorld {
  source: Watched<SourceSnapshot>
  write(object: SourceObject): void | Promise<void>
  remove(object: SourceObject): void | Promise<void>
  stop(): void | Promise<void>
}

const service = (name: string, port: number): SourceObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'contract' },
  spec: { ports: [{ port, protocol: 'TCP' }] },
})

/** Passes every API server, since what it breaks no schema of theirs says; Weft's own rules do. */
const route = (name: string, weight: number): SourceObject => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name, namespace: 'contract' },
  spec: {
    parentRefs: [{ group: '', kind: 'Service', name: 'a', port: 80 }],
    rules: [{ backendRefs: [{ name: 'a', port: 80, weight }] }],
  },
})

const faultyRoute = (name: string): SourceObject => {
  const object = route(name, 1)
  return {
    ...object,
    spec: {
      ...(object.spec as object),
      rules: [{ matches: [{ path: { type: 'RegularExpression', value: '(?=x)' } }] }],
    },
  }
}

export function sourceContract(title: string, makeWorld: () => Promise<SourceWorld>): void {
  describe(`${title} as a source`, () => {
    let world: SourceWorld
    let told: SourceSnapshot[]
    beforeEach(async () => {
      world = await makeWorld()
      told = []
      world.source.subscribe((snapshot) => void told.push(snapshot))
    })
    afterEach(() => world.stop())

    const port = (key: string): number | undefined =>
      world.source.value?.resources.of('Service').get(`contract/${key}`)?.value.spec.ports?.[0]?.port
    const weight = (): number | undefined =>
      world.source.value?.resources.of('HTTPRoute').get('contract/r')?.value.spec.rules?.[0]?.backendRefs?.[0]?.weight

    test('tells what comes, changes and goes, by namespace and name', async () => {
      await world.write(service('a', 80))
      await until(() => port('a') === 80, 'the object')
      await world.write(service('a', 81))
      await until(() => port('a') === 81, 'its change')
      await world.remove(service('a', 81))
      await until(() => port('a') === undefined && world.source.value !== undefined, 'its end')
    })

    test('keeps the identity of what did not change', async () => {
      await world.write(service('a', 80))
      await world.write(service('b', 80))
      await until(() => port('a') === 80 && port('b') === 80, 'both')
      const before = world.source.value!.resources.of('Service').get('contract/a')!.value
      await world.write(service('b', 81))
      await until(() => port('b') === 81, 'the change of the other')
      assert.equal(world.source.value!.resources.of('Service').get('contract/a')!.value, before)
    })

    test('keeps the last good version of what became faulty, and tells the fault until it is mended', async () => {
      await world.write(service('a', 80))
      await world.write(route('r', 3))
      await until(() => weight() === 3, 'the good version')
      await world.write(faultyRoute('r'))
      await until(() => world.source.value!.faults.some(({ severity }) => severity === 'error'), 'the fault')
      const fault = world.source.value!.faults.find(({ severity }) => severity === 'error')!
      assert.equal(fault.object, 'HTTPRoute/contract/r')
      assert.equal(fault.field, 'spec.rules[0].matches[0].path.value')
      assert.equal(weight(), 3, 'the last good version stays in force')
      await world.write(route('r', 4))
      await until(() => weight() === 4, 'the mended version')
      assert.deepEqual(
        world.source.value!.faults.filter(({ severity }) => severity === 'error'),
        [],
      )
    })

    test('is silent about a write that changes nothing', async () => {
      await world.write(service('a', 80))
      await until(() => port('a') === 80 && told.at(-1) === world.source.value, 'the object')
      const before = told.length
      await world.write(service('a', 80))
      await world.write(service('marker', 1))
      await until(() => port('marker') === 1 && told.at(-1) === world.source.value, 'what came after')
      assert.ok(told.length - before <= 1, `told ${told.length - before} times of one change`)
    })
  })
}
