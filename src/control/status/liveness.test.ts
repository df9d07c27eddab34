import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Mesh, ObjectStatus } from '#/model/mesh.ts'
import type { KnownClient } from '#/xds/serve/ads-server.ts'
import { TypeSubscription } from '#/xds/serve/type-subscription.ts'
import { withLiveness } from './liveness.ts'

const destination = 'reviews.shop.svc.cluster.local:80'

interface Held {
  sent: Record<string, string>
  acknowledged: Record<string, string>
  nack?: string
  isConnected?: boolean
}

function client(id: string, held: Held, kind: 'route' | 'listener' = 'route'): KnownClient {
  const { sent, acknowledged, nack, isConnected = true } = held
  const holder = new TypeSubscription(kind)
  for (const [name, version] of Object.entries(sent)) holder.sent.set(name, version)
  for (const [name, version] of Object.entries(acknowledged)) holder.acknowledged.set(name, version)
  if (nack) holder.nack = { atMs: 0, version: '2', message: nack }
  const other = new TypeSubscription('cluster')
  const types = { secret: other, route: other, cluster: other, listener: other, assignment: other, [kind]: holder }
  const node = {
    id,
    cluster: '',
    userAgent: 'weft',
    userAgentVersion: '',
    metadata: {},
  } as unknown as KnownClient['node']
  return { node, isConnected, sinceMs: 0, types }
}

function programmed(clients: KnownClient[], name = destination, isAccepted = true, kind = 'HTTPRoute') {
  const accepted = { type: 'Accepted', status: isAccepted ? 'True' : 'False', reason: '', message: '' } as const
  const ref = { kind, namespace: 'shop', name: 'reviews' }
  const statuses: ObjectStatus[] = [{ ref, parents: [{ conditions: [accepted] }] }]
  const mesh = { usage: new Map([[`${kind}/shop/reviews`, [name]]]) } as unknown as Mesh
  const [status] = withLiveness(statuses, { mesh, clients })
  return status?.parents[0]?.conditions.find(({ type }) => type === 'Programmed')
}

const live = { sent: { [destination]: '2' }, acknowledged: { [destination]: '2' } }
const late = { sent: { [destination]: '2' }, acknowledged: { [destination]: '1' } }

test('is programmed when every proxy that holds the route has acknowledged it', () => {
  const condition = programmed([
    client('a.shop', live),
    client('b.web', live),
    client('c.web', { sent: {}, acknowledged: {} }),
  ])
  assert.deepEqual(condition, {
    type: 'Programmed',
    status: 'True',
    reason: 'Programmed',
    message: 'live on 2 of 2 proxies',
  })
})

test('is pending while one has not answered', () => {
  const condition = programmed([client('a.shop', live), client('b.web', late)])
  assert.equal(condition?.status, 'False')
  assert.equal(condition?.reason, 'Pending')
  assert.equal(condition?.message, 'live on 1 of 2 proxies')
})

test('names the proxy that rejected it, and why', () => {
  const condition = programmed([client('a.shop', live), client('b.web', { ...late, nack: 'routes[0]: no such field' })])
  assert.equal(condition?.reason, 'Invalid')
  assert.equal(condition?.message, 'live on 1 of 2 proxies; b.web rejected it: routes[0]: no such field')
})

test('an object that no proxy needs yet is not held against it', () => {
  const condition = programmed([client('a.shop', { ...live, isConnected: false })])
  assert.equal(condition?.status, 'True')
  assert.equal(condition?.reason, 'NoProxies')
})

test('a client that holds all routes of its namespace counts for producers and its own consumers', () => {
  const envoy = { sent: { 'outbound@web': '1' }, acknowledged: { 'outbound@web': '1' } }
  assert.equal(programmed([client('e.web', envoy)])?.message, 'live on 1 of 1 proxy')
  assert.equal(programmed([client('e.web', envoy)], `${destination}@web`)?.message, 'live on 1 of 1 proxy')
  assert.equal(programmed([client('e.web', envoy)], `${destination}@other`)?.reason, 'NoProxies')
})

test('says nothing about a parent that did not accept the object', () => {
  assert.equal(programmed([client('a.shop', live)], destination, false), undefined)
})

test('a route of connections is live by the listeners that carry it, looked up or bound', () => {
  const looked = client('a.shop', live, 'listener')
  const name = `explicit:${destination}`
  const bound = client('b.shop', { sent: { [name]: '2' }, acknowledged: { [name]: '1' } }, 'listener')
  const routes = client('c.shop', live)
  const condition = programmed([looked, bound, routes], destination, true, 'TCPRoute')
  assert.deepEqual([condition?.reason, condition?.message], ['Pending', 'live on 1 of 2 proxies'])
})

test("a consumer's route of connections is not live where others connect to the same", () => {
  const clients = [client('a.shop', live, 'listener'), client('b.web', live, 'listener')]
  assert.equal(programmed(clients, `${destination}@web`, true, 'TCPRoute')?.message, 'live on 1 of 1 proxy')
})
