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

function client(id: string, { sent, acknowledged, nack, isConnected = true }: Held): KnownClient {
  const route = new TypeSubscription('route')
  for (const [name, version] of Object.entries(sent)) route.sent.set(name, version)
  for (const [name, version] of Object.entries(acknowledged)) route.acknowledged.set(name, version)
  if (nack) route.nack = { atMs: 0, version: '2', message: nack }
  const other = new TypeSubscription('cluster')
  const types = { route, cluster: other, listener: other, assignment: other }
  const node = {
    id,
    cluster: '',
    userAgent: 'weft',
    userAgentVersion: '',
    metadata: {},
  } as unknown as KnownClient['node']
  return { node, isConnected, sinceMs: 0, types }
}

function programmed(clients: KnownClient[], name = destination, isAccepted = true) {
  const accepted = { type: 'Accepted', status: isAccepted ? 'True' : 'False', reason: '', message: '' } as const
  const ref = { kind: 'HTTPRoute', namespace: 'shop', name: 'reviews' }
  const statuses: ObjectStatus[] = [{ ref, parents: [{ conditions: [accepted] }] }]
  const mesh = { usage: new Map([['HTTPRoute/shop/reviews', [name]]]) } as unknown as Mesh
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
