import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StreamRoute } from '#/model/listener.ts'
import { seededRandom } from '#/std/random.ts'
import { drawBackend, findStreamRoute } from './stream-table.ts'

const to = (cluster: string, weight = 1) => ({ type: 'cluster' as const, cluster, weight })
const route = (name: string, serverNames: string[], more: Partial<StreamRoute> = {}): StreamRoute => ({
  name,
  serverNames,
  backends: [to(name)],
  ...more,
})

const routes = [
  route('wide', ['*.example']),
  route('narrow', ['*.shop.example']),
  route('exact', ['a.shop.example']),
  route('any', []),
]
for (const [serverName, name] of [
  ['a.shop.example', 'exact'],
  ['b.shop.example', 'narrow'],
  ['b.c.shop.example', 'narrow'],
  ['x.example', 'wide'],
  ['example', 'any'],
  ['other.test', 'any'],
  ['', 'any'],
] as const) {
  test(`the server name ${JSON.stringify(serverName)} leads to ${name}`, () => {
    assert.equal(findStreamRoute(routes, { serverName, port: undefined })?.name, name)
  })
}

test('a name that no route has leads nowhere when all have names', () => {
  assert.equal(findStreamRoute(routes.slice(0, 3), { serverName: 'other.test', port: undefined }), undefined)
})

test('a route for a port takes no connection to another', () => {
  const ports = [route('redis', [], { port: 6379 }), route('mysql', [], { port: 3306 })]
  assert.equal(findStreamRoute(ports, { serverName: '', port: 3306 })?.name, 'mysql')
  assert.equal(findStreamRoute(ports, { serverName: '', port: 80 }), undefined)
})

test('weights are shares of connections, and 0 is none', () => {
  const split = { ...route('split', []), backends: [to('a', 1), to('b', 3), to('c', 0)] }
  const random = seededRandom(5)
  const counts: Record<string, number> = {}
  for (let i = 0; i < 4000; i++) {
    const backend = drawBackend(split, random)
    if (backend?.type === 'cluster') counts[backend.cluster] = (counts[backend.cluster] ?? 0) + 1
  }
  assert.equal(counts.c, undefined)
  assert.ok(Math.abs(counts.a! - 1000) < 100, JSON.stringify(counts))
  assert.equal(drawBackend({ ...split, backends: [to('a', 0)] }, random), undefined)
})
