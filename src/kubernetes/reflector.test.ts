import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { ManualClock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { until } from '#/up/testing/until.ts'
import { ApiClient } from './api-client.ts'
import { Reflector } from './reflector.ts'
import type { ApiObject, Resource } from './resource.ts'
import { FakeApiServer } from './testing/fake-api-server.ts'

const pods: Resource = { group: '', version: 'v1', plural: 'pods', isNamespaced: true }
const routes: Resource = { group: 'example.dev', version: 'v1', plural: 'routes', isNamespaced: true }
const path = '/api/v1/pods'
const pod = (name: string, node = ''): ApiObject => ({ metadata: { name, namespace: 'shop', node } })

describe('a reflector', () => {
  let server: FakeApiServer
  let client: ApiClient
  let clock: ManualClock
  let reflector: Reflector<string> | undefined
  let present: Map<string, string>
  let lists: number

  beforeEach(async () => {
    server = new FakeApiServer()
    client = new ApiClient(await server.start())
    clock = new ManualClock()
    present = new Map()
    lists = 0
  })
  afterEach(async () => {
    reflector?.stop()
    client.stop()
    await server.stop()
  })

  const entry = (text: string): [string, string] => [text.split('=')[0]!, text]
  function start(versions: readonly Resource[] = [pods]): void {
    reflector = new Reflector<string>({
      client,
      versions,
      trim: ({ metadata: { name, node } }) => `${name}=${node}`,
      sink: {
        onList(objects) {
          lists++
          present = new Map(objects.map(entry))
        },
        onSet: (object) => void present.set(...entry(object)),
        onDelete: (object) => void present.delete(entry(object)[0]),
      },
      clock,
      log: new Log({ component: 'test', sink: { write() {} } }),
      random: () => 0.5,
    })
    reflector.start()
  }
  const names = (): string => [...present.values()].sort().join(' ')
  const holds = (expected: string): Promise<void> => until(() => names() === expected, `${expected}, not ${names()}`)
  /** Time passes until it comes true: the reflector waits by the test's clock. */
  const comes = (isTrue: () => boolean, what: string): Promise<void> =>
    until(() => {
      clock.advance(1000)
      return isTrue()
    }, what)
  const watches = (): Promise<void> => until(() => server.watchCount === 1, 'a watch')

  test('lists in pages and follows with a watch', async () => {
    server.pageMax = 2
    for (const name of ['a', 'b', 'c', 'd', 'e']) server.put(path, pod(name))
    start()
    await holds('a= b= c= d= e=')
    await watches()
    server.put(path, pod('b', 'n1'))
    server.delete(path, { name: 'a', namespace: 'shop' })
    await holds('b=n1 c= d= e=')
    assert.equal(server.requests.filter((one) => !one.includes('watch=')).length, 3, 'one list in three pages')
  })

  test('goes on where a watch ended, without a list', async () => {
    server.put(path, pod('a'))
    start()
    await watches()
    server.cut(true)
    server.put(path, pod('b'))
    await comes(() => names() === 'a= b=', 'what happened between two watches')
    await until(() => server.watchCount === 1, 'a watch')
    server.cut(false)
    server.put(path, pod('c'))
    await comes(() => names() === 'a= b= c=', 'what happened after a cut')
    assert.equal(lists, 1)
  })

  test('lists anew when history is gone, and drops what went with it', async () => {
    server.put(path, pod('a'))
    server.put(path, pod('b'))
    start()
    await watches()
    server.cut(false)
    server.delete(path, { name: 'a', namespace: 'shop' })
    server.compact()
    await comes(() => names() === 'b=', 'a second list')
    assert.equal(lists, 2)
  })

  test('is saved from a second list by a bookmark', async () => {
    server.put(path, pod('a'))
    start()
    await watches()
    server.put(path, pod('b'))
    await holds('a= b=')
    server.put('/api/v1/services', pod('other'))
    server.bookmark()
    server.compact()
    server.cut(true)
    server.put(path, pod('c'))
    await comes(() => names() === 'a= b= c=', 'a watch from the last version')
    assert.equal(lists, 1)
  })

  test('keeps what it knows while the server fails, and says why', async () => {
    server.put(path, pod('a'))
    start()
    await watches()
    const message = 'pods is forbidden: User "x" cannot watch resource "pods"'
    server.deny = () => ({ status: 403, reason: 'Forbidden', message })
    server.cut(false)
    await comes(() => reflector!.state.type === 'waiting' && server.requests.length > 4, 'a few tries')
    assert.equal(names(), 'a=')
    await comes(() => JSON.stringify(reflector!.state).includes('is forbidden'), 'the reason')
    server.deny = undefined
    server.put(path, pod('b'))
    await comes(() => names() === 'a= b=', 'recovery without a restart')
    assert.equal(reflector!.state.type, 'watching')
  })

  test('tries the next version of a kind, and calls one that no server knows absent until it comes', async () => {
    server.deny = ({ path: asked }) =>
      asked.includes('example.dev') ? { status: 404, reason: 'NotFound', message: 'page not found' } : undefined
    start([{ ...routes, version: 'v2' }, routes])
    await comes(() => reflector!.state.type === 'absent', 'absent')
    assert.equal(lists, 1, 'told as an empty list')
    server.deny = ({ path: asked }) =>
      asked.includes('/v2/') ? { status: 404, reason: 'NotFound', message: 'page not found' } : undefined
    server.put('/apis/example.dev/v1/routes', pod('r'))
    await comes(() => names() === 'r=', 'the kind, once its definition is there')
  })
})
