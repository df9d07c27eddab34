import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Cluster } from '#/model/cluster.ts'
import type { LoadAssignment } from '#/model/endpoint.ts'
import type { Listener } from '#/model/listener.ts'
import type { Route, RouteConfiguration } from '#/model/route.ts'
import { seededRandom } from '#/std/random.ts'
import { decoders } from './decode/decoders.ts'
import { encodeAssignment } from './encode/assignment.ts'
import { encodeCluster } from './encode/cluster.ts'
import { encodeListener } from './encode/listener.ts'
import { encodeRoute } from './encode/route.ts'
import type { Decode, Encode } from './resource.ts'

const workload = {
  namespace: 'shop',
  workload: 'reviews-v1',
  pod: 'reviews-v1-0',
  serviceAccount: 'reviews',
  app: 'reviews',
  version: 'v1',
}
const route = (part: Partial<Route>): Route => ({
  name: 'r',
  match: { path: { type: 'prefix', value: '/' }, headers: [], query: [] },
  action: { type: 'forward', backends: [{ type: 'cluster', cluster: 'c', weight: 1 }], timeoutMs: 0, mirrors: [] },
  ...part,
})
const withRoutes = (...routes: Route[]): RouteConfiguration => ({
  name: 'rc',
  virtualHosts: [{ name: 'v', domains: ['*'], routes }],
})
const forward = (part: object): Route['action'] => ({
  type: 'forward',
  backends: [{ type: 'cluster', cluster: 'c', weight: 1 }],
  timeoutMs: 1500,
  mirrors: [],
  ...part,
})

const assignments: Record<string, LoadAssignment> = {
  'no endpoint': { name: 'c', endpoints: [] },
  'every health, weight, workload': {
    name: 'c',
    endpoints: [
      { address: '127.0.0.1', port: 80, health: 'healthy', weight: 1, workload, isMeshed: true },
      { address: '::1', port: 65535, health: 'draining', weight: 7, isMeshed: false },
      { address: '10.0.0.1', port: 1, health: 'unhealthy', weight: 1, isMeshed: false },
    ],
  },
}
const outliers = {
  intervalMs: 10_000,
  ejectionMs: 30_000,
  ejectionMsMax: 300_000,
  ejectedPercentMax: 10,
  ejectsOneAlways: true,
  consecutiveFailures: 5,
  consecutiveGatewayFailures: 0,
  consecutiveLocalFailures: 0,
}
const plainCluster: Cluster = {
  name: 'c',
  discovery: { type: 'eds', serviceName: 'c' },
  loadBalancing: 'random',
  connectTimeoutMs: 1000,
  protocol: 'http1',
}
const clusters: Record<string, Cluster> = {
  'every limit, panic never': {
    ...plainCluster,
    breakers: { connectionsMax: 1, pendingMax: 0, requestsMax: 4_294_967_295, retriesMax: 0 },
    panicPercent: 0,
  },
  'a budget of retries': { ...plainCluster, breakers: { retryBudget: { percent: 25, attemptsMin: 0 } } },
  'by time': { ...plainCluster, loadBalancing: 'peak-ewma' },
  'by a ring': { ...plainCluster, loadBalancing: 'ring-hash' },
  'by a table': { ...plainCluster, loadBalancing: 'maglev' },
  'one limit, failures in a row': { ...plainCluster, breakers: { requestsMax: 7 }, outliers },
  'ejected for every reason': {
    ...plainCluster,
    panicPercent: 33,
    outliers: {
      ...outliers,
      intervalMs: 1500,
      ejectedPercentMax: 100,
      ejectsOneAlways: false,
      consecutiveFailures: 0,
      consecutiveGatewayFailures: 2,
      consecutiveLocalFailures: 3,
      successRate: { deviations: 1.275, endpointsMin: 3, requestsMin: 10 },
      failureShare: { percent: 40, endpointsMin: 1, requestsMin: 20 },
    },
  },
  eds: {
    name: 'c',
    discovery: { type: 'eds', serviceName: 'c' },
    loadBalancing: 'least-request',
    connectTimeoutMs: 1000,
    protocol: 'http1',
    service: { namespace: 'shop', name: 'reviews', host: 'reviews.shop.svc.cluster.local', port: 80 },
  },
  'eds by another name': {
    name: 'c',
    discovery: { type: 'eds', serviceName: 'd' },
    loadBalancing: 'random',
    connectTimeoutMs: 250,
    protocol: 'http1',
  },
  static: {
    name: 'inbound:8080',
    discovery: { type: 'static', endpoints: assignments['every health, weight, workload']!.endpoints },
    loadBalancing: 'round-robin',
    connectTimeoutMs: 5000,
    protocol: 'http1',
  },
  dns: {
    name: 'c',
    discovery: {
      type: 'dns',
      endpoints: [{ address: 'example.test', port: 80, health: 'healthy', weight: 1, isMeshed: false }],
    },
    loadBalancing: 'round-robin',
    connectTimeoutMs: 1,
    protocol: 'http1',
  },
  'original destination': {
    name: 'c',
    discovery: { type: 'original-destination' },
    loadBalancing: 'round-robin',
    connectTimeoutMs: 1000,
    protocol: 'http1',
  },
  'the version of the request': {
    name: 'c',
    discovery: { type: 'eds', serviceName: 'c' },
    loadBalancing: 'least-request',
    connectTimeoutMs: 1000,
    protocol: 'downstream',
  },
  'HTTP/2': {
    name: 'c',
    discovery: { type: 'eds', serviceName: 'c' },
    loadBalancing: 'least-request',
    connectTimeoutMs: 1000,
    protocol: 'http2',
  },
  dynamic: {
    name: 'c',
    discovery: { type: 'dynamic' },
    loadBalancing: 'round-robin',
    connectTimeoutMs: 1000,
    protocol: 'http1',
  },
}
const header = (name: string, value: string) => ({ name, value })
const routes: Record<string, RouteConfiguration> = {
  'every key of a hash': withRoutes(
    route({
      action: forward({
        hashOn: [
          { type: 'header', name: 'x-user' },
          { type: 'cookie', name: 'session' },
          { type: 'query', name: 'q' },
          { type: 'path' },
          { type: 'source' },
        ],
      }),
    }),
  ),
  'every path match': withRoutes(
    route({ match: { path: { type: 'exact', value: '/a' }, headers: [], query: [] } }),
    route({ match: { path: { type: 'segment-prefix', value: '/a' }, headers: [], query: [] } }),
    route({ match: { path: { type: 'regex', value: '/a/[0-9]+' }, headers: [], query: [] } }),
  ),
  'gRPC alone': withRoutes(
    route({ match: { path: { type: 'exact', value: '/a.A/Get' }, headers: [], query: [], isGrpc: true } }),
  ),
  'every value match and a method': withRoutes(
    route({
      match: {
        path: { type: 'prefix', value: '/' },
        method: 'POST',
        headers: (['exact', 'regex', 'prefix', 'suffix', 'contains'] as const)
          .map((type) => ({ name: 'x', type, value: 'v', isInverted: type === 'exact' }))
          .concat([{ name: 'y', type: 'present' as never, value: '', isInverted: false }]),
        query: [
          { name: 'q', type: 'exact', value: '1', isInverted: false },
          { name: 'p', type: 'regex', value: '.*', isInverted: false },
        ],
      },
    }),
  ),
  'weights with headers, a zero and an invalid backend': withRoutes(
    route({
      action: forward({
        backends: [
          {
            type: 'cluster',
            cluster: 'a',
            weight: 90,
            requestHeaders: { set: [header('x', '100%')], add: [header('y', 'b')], remove: ['z'] },
          },
          { type: 'cluster', cluster: 'b', weight: 0 },
          { type: 'invalid', reason: 'the backendRef is invalid', weight: 10 },
        ],
      }),
      requestHeaders: { set: [], add: [], remove: ['cookie'] },
      responseHeaders: { set: [header('server', 'weft')], add: [], remove: [] },
    }),
  ),
  'rewrites, retry, mirrors': withRoutes(
    route({
      action: forward({ rewrite: { host: 'h', path: { type: 'prefix', value: '/' } } }),
      match: { path: { type: 'segment-prefix', value: '/foo' }, headers: [], query: [] },
    }),
    route({ action: forward({ rewrite: { path: { type: 'full', value: '/x' } } }) }),
    route({ action: forward({ rewrite: { path: { type: 'regex', pattern: '^/a', substitution: '/b' } } }) }),
    route({
      action: forward({
        retry: {
          attempts: 3,
          statuses: [500, 503],
          onConnectFailure: true,
          onReset: true,
          attemptTimeoutMs: 100,
          backoffMs: 25,
        },
      }),
    }),
    route({
      action: forward({
        mirrors: [
          { cluster: 'm', numerator: 1, denominator: 10_000 },
          { cluster: 'n', numerator: 100, denominator: 100 },
        ],
      }),
    }),
  ),
  'redirects and direct answers': withRoutes(
    ...([301, 302, 303, 307, 308] as const).map((status) =>
      route({
        action: {
          type: 'redirect',
          scheme: 'https',
          host: 'h',
          port: 8443,
          path: { type: 'full', value: '/x' },
          status,
        },
      }),
    ),
    route({
      action: { type: 'redirect', path: { type: 'prefix', value: '' }, status: 302 },
      match: { path: { type: 'segment-prefix', value: '/foo' }, headers: [], query: [] },
    }),
    route({ action: { type: 'respond', status: 418, body: 'short and stout' } }),
    route({ action: { type: 'respond', status: 500, body: '' } }),
  ),
  'cors and the rule it comes from': withRoutes(
    route({
      cors: {
        allowOrigins: ['https://a.test', 'https://*.b.test'],
        allowMethods: ['GET', 'PUT'],
        allowHeaders: ['*'],
        exposeHeaders: ['x-a'],
        allowCredentials: true,
        maxAgeSeconds: 600,
      },
      rule: { kind: 'HTTPRoute', namespace: 'shop', name: 'reviews', rule: 2, ruleName: 'canary' },
    }),
  ),
}
const listener = (part: Partial<Listener>): Listener => ({
  name: 'l',
  direction: 'outbound',
  target: { type: 'routes', routes: { type: 'rds', name: 'rc' } },
  isRedirected: false,
  isLazy: false,
  ...part,
})
const listeners: Record<string, Listener> = {
  'an ApiListener': listener({}),
  'on demand': listener({
    address: { host: '127.0.0.1', port: 15001 },
    target: { type: 'on-demand' },
    isRedirected: true,
  }),
  'inbound with inline routes': listener({
    address: { host: '::', port: 15006 },
    direction: 'inbound',
    target: { type: 'routes', routes: { type: 'inline', configuration: routes['every path match']! } },
  }),
  lazy: listener({ address: { host: '127.0.0.1', port: 1 }, isLazy: true }),
  'mutual TLS, permissive': listener({
    address: { host: '127.0.0.1', port: 1 },
    direction: 'inbound',
    mutualTls: { mode: 'permissive' },
  }),
  'mutual TLS, strict, with bytes of any kind': listener({
    address: { host: '127.0.0.1', port: 1 },
    direction: 'inbound',
    protocol: 'auto',
    streams: [{ name: 's', serverNames: [], backends: [{ type: 'cluster', cluster: 'c', weight: 1 }] }],
    mutualTls: { mode: 'strict' },
  }),
  'mutual TLS, ports that differ': listener({
    address: { host: '127.0.0.1', port: 1 },
    direction: 'inbound',
    protocol: 'auto',
    streams: [{ name: 's', serverNames: [], port: 9090, backends: [{ type: 'cluster', cluster: 'c', weight: 1 }] }],
    isRedirected: true,
    mutualTls: { mode: 'strict', ports: { 9090: 'permissive', 8080: 'disabled' } },
  }),
}

const rule = { kind: 'TCPRoute', namespace: 'shop', name: 'db', rule: 0, ruleName: 'split' }
const toCluster = (cluster: string, weight = 1) => ({ type: 'cluster' as const, cluster, weight })
const rds = { type: 'routes' as const, routes: { type: 'rds' as const, name: 'c' } }
const streams: Record<string, Listener> = {
  'opaque bytes alone, by weight, one of them refused': {
    name: 'explicit:c',
    address: { host: '127.0.0.1', port: 3306 },
    direction: 'outbound',
    protocol: 'tcp',
    target: { type: 'streams' },
    streams: [
      {
        name: 'TCPRoute/shop/db rule 0',
        serverNames: [],
        backends: [toCluster('a', 80), { type: 'invalid', reason: 'the backendRef is invalid', weight: 20 }],
        rule,
      },
    ],
    isRedirected: false,
    isLazy: true,
  },
  'TLS by server names, exact ones and wildcards': {
    name: 'front:443',
    direction: 'outbound',
    protocol: 'tls',
    target: { type: 'streams' },
    streams: [
      { name: 'x', serverNames: ['a.example', 'b.example'], backends: [toCluster('a')] },
      { name: 'x', serverNames: ['*.deep.example'], backends: [toCluster('b')] },
      { name: 'y', serverNames: ['*.example'], backends: [toCluster('c')] },
      { name: 'z', serverNames: [], backends: [toCluster('d')] },
    ],
    isRedirected: false,
    isLazy: false,
  },
  'what is found out, looked up': {
    name: 'c:9000',
    direction: 'outbound',
    protocol: 'auto',
    target: rds,
    streams: [{ name: 'default', serverNames: [], backends: [toCluster('c')] }],
    isRedirected: false,
    isLazy: false,
  },
  'what is found out, bound': {
    name: 'inbound:9000',
    address: { host: '127.0.0.1', port: 9000 },
    direction: 'inbound',
    protocol: 'auto',
    target: rds,
    streams: [{ name: 'default', serverNames: [], backends: [toCluster('c')] }],
    isRedirected: false,
    isLazy: false,
  },
  'redirected, by original port': {
    name: 'inbound',
    address: { host: '0.0.0.0', port: 15006 },
    direction: 'inbound',
    protocol: 'auto',
    target: rds,
    streams: [
      { name: 'inbound:6379', serverNames: [], port: 6379, backends: [toCluster('inbound:6379')] },
      { name: 'inbound:9000', serverNames: [], port: 9000, backends: [toCluster('inbound:9000')] },
    ],
    isRedirected: true,
    isLazy: false,
  },
  datagrams: {
    name: 'explicit:dns:53/udp',
    address: { host: '127.0.0.1', port: 53 },
    direction: 'outbound',
    protocol: 'udp',
    target: { type: 'streams' },
    streams: [{ name: 'default', serverNames: [], backends: [toCluster('dns:53/udp', 1)] }],
    isRedirected: false,
    isLazy: false,
  },
}

/** The contract of every type. */
function contract<T extends { name: string }>(
  kind: string,
  options: { cases: Record<string, T>; encode: Encode<T>; decode: Decode<T> },
): void {
  const { cases, encode, decode } = options
  for (const [claim, value] of Object.entries(cases)) {
    test(`${kind}: what is decoded is what was encoded: ${claim}`, () => {
      assert.deepEqual(decode(encode(value)), { ok: true, value })
      assert.deepEqual(encode(value), encode(structuredClone(value)))
    })
  }
  test(`${kind}: random bytes are a fault, never an exception`, () => {
    const random = seededRandom(5)
    const samples = Object.values(cases).map(encode)
    for (let round = 0; round < 3000; round++) {
      const bytes = Uint8Array.from(samples[round % samples.length]!)
      for (let flips = 0; flips < 3; flips++) bytes[Math.floor(random() * bytes.length)] = Math.floor(random() * 256)
      const decoded = decode(bytes)
      if (!decoded.ok)
        assert.ok(
          decoded.faults.length > 0 && decoded.faults.every((fault) => fault.includes(': ')),
          `seed 5 round ${round}`,
        )
    }
  })
}

contract('assignment', { cases: assignments, encode: encodeAssignment, decode: decoders.assignment })
contract('cluster', { cases: clusters, encode: encodeCluster, decode: decoders.cluster })
contract('route', { cases: routes, encode: encodeRoute, decode: decoders.route })
contract('listener', { cases: { ...listeners, ...streams }, encode: encodeListener, decode: decoders.listener })

test('listener: a weight of 0 is left out, as Envoy would refuse it', () => {
  const listener = streams['opaque bytes alone, by weight, one of them refused']!
  const [stream] = listener.streams!
  const decoded = decoders.listener(
    encodeListener({ ...listener, streams: [{ ...stream!, backends: [toCluster('a', 3), toCluster('b', 0)] }] }),
  )
  assert.deepEqual(decoded.ok && decoded.value.streams?.[0]?.backends, [toCluster('a')])
})
