/** Gateway API HTTPRouteMatch and the precedence between matches. */
import assert from 'node:assert/strict'
import type { Behaviour } from './behaviour.ts'

const to = (backend: string): string => `\n  backendRefs: [{ name: ${backend}, port: 80 }]`

export const matchBehaviours: Behaviour[] = [
  {
    name: 'a Service without a route is reached as it is',
    exchanges: [{ request: '/x?q=1', expect: { status: 200, backend: 'a', path: '/x?q=1' } }],
  },
  {
    name: 'an exact path matches itself alone',
    rules: `- matches: [{ path: { type: Exact, value: /exact } }]${to('b')}`,
    exchanges: [
      { request: '/exact', expect: { backend: 'b' } },
      { request: '/exact?q', expect: { backend: 'b' } },
      { request: '/exact/', expect: { status: 404 } },
      { request: '/Exact', expect: { status: 404 } },
      { request: '/exactly', expect: { status: 404 } },
    ],
  },
  {
    name: 'a prefix matches whole path elements',
    rules: `- matches: [{ path: { type: PathPrefix, value: /foo } }]${to('b')}\n- matches: [{ path: { type: PathPrefix, value: /bar/ } }]${to('c')}`,
    exchanges: [
      { request: '/foo', expect: { backend: 'b' } },
      { request: '/foo/', expect: { backend: 'b' } },
      { request: '/foo/bar', expect: { backend: 'b' } },
      { request: '/foobar', expect: { status: 404 } },
      { request: '/bar', expect: { backend: 'c' } },
      { request: '/bar/x', expect: { backend: 'c' } },
      { request: '/barx', expect: { status: 404 } },
    ],
  },
  {
    name: 'a regular expression matches the whole path',
    rules: `- matches: [{ path: { type: RegularExpression, value: '/v[0-9]+/items' } }]${to('b')}`,
    exchanges: [
      { request: '/v12/items', expect: { backend: 'b' } },
      { request: '/v12/items?x=1', expect: { backend: 'b' } },
      { request: '/v12/items/3', expect: { status: 404 } },
      { request: '/vx/items', expect: { status: 404 } },
    ],
  },
  {
    name: 'headers match by value and by regular expression, all of them',
    rules: `- matches: [{ headers: [{ name: X-Color, value: blue }, { name: x-size, type: RegularExpression, value: '[0-9]{2}' }] }]${to('b')}`,
    exchanges: [
      { request: { path: '/', headers: { 'x-color': 'blue', 'X-Size': '42' } }, expect: { backend: 'b' } },
      { request: { path: '/', headers: { 'x-color': 'blue' } }, expect: { status: 404 } },
      { request: { path: '/', headers: { 'x-color': 'Blue', 'x-size': '42' } }, expect: { status: 404 } },
      { request: { path: '/', headers: { 'x-color': 'blue', 'x-size': '421' } }, expect: { status: 404 } },
    ],
  },
  {
    name: 'the header host matches what the client called',
    rules: `- matches: [{ headers: [{ name: Host, type: RegularExpression, value: 'case-[0-9]+' }] }]${to('b')}\n- matches: [{ headers: [{ name: Host, type: RegularExpression, value: 'case-[0-9]+[.]contract' }] }]${to('c')}`,
    run: async ({ send, host }) => {
      assert.equal((await send({ path: '/', host: host.replace('.contract', '') })).echo?.backend, 'b')
      assert.equal((await send('/')).echo?.backend, 'c')
      assert.equal((await send({ path: '/', host: `${host}.svc.cluster.local` })).status, 404)
    },
  },
  {
    name: 'query parameters match by value and by regular expression',
    rules: `- matches: [{ queryParams: [{ name: animal, value: whale }] }]${to('b')}\n- matches: [{ queryParams: [{ name: n, type: RegularExpression, value: '[0-9]+' }] }]${to('c')}`,
    exchanges: [
      { request: '/?animal=whale', expect: { backend: 'b' } },
      { request: '/?x=1&animal=whale', expect: { backend: 'b' } },
      { request: '/?animal=dolphin', expect: { status: 404 } },
      { request: '/?Animal=whale', expect: { status: 404 } },
      { request: '/?n=12', expect: { backend: 'c' } },
      { request: '/?n=1a', expect: { status: 404 } },
    ],
  },
  {
    name: 'a method matches',
    rules: `- matches: [{ method: POST }]${to('b')}\n- matches: [{ method: GET }]${to('c')}`,
    exchanges: [
      { request: { path: '/', method: 'POST', body: 'x' }, expect: { backend: 'b' } },
      { request: '/', expect: { backend: 'c' } },
      { request: { path: '/', method: 'DELETE' }, expect: { status: 404 } },
    ],
  },
  {
    name: 'several matches of a rule are alternatives',
    rules: `- matches: [{ path: { type: Exact, value: /one } }, { headers: [{ name: two, value: 'yes' }] }]${to('b')}`,
    exchanges: [
      { request: '/one', expect: { backend: 'b' } },
      { request: { path: '/other', headers: { two: 'yes' } }, expect: { backend: 'b' } },
      { request: '/other', expect: { status: 404 } },
    ],
  },
  {
    name: 'precedence: exact before longest prefix before method before headers before query',
    rules: [
      `- matches: [{ queryParams: [{ name: q, value: '1' }] }]${to('a')}`,
      `- matches: [{ headers: [{ name: h, value: '1' }] }]${to('b')}`,
      `- matches: [{ method: GET, path: { type: PathPrefix, value: / } }]${to('c')}`,
      `- matches: [{ path: { type: PathPrefix, value: /long } }]${to('a')}`,
      `- matches: [{ path: { type: PathPrefix, value: /long/er } }]${to('b')}`,
      `- matches: [{ path: { type: Exact, value: /long/er/exact } }]${to('c')}`,
    ].join('\n'),
    exchanges: [
      { request: '/long/er/exact', expect: { backend: 'c' } },
      { request: '/long/er/x', expect: { backend: 'b' } },
      { request: '/long/x', expect: { backend: 'a' } },
      { request: { path: '/?q=1', headers: { h: '1' } }, expect: { backend: 'c' } },
      { request: { path: '/?q=1', method: 'PUT', headers: { h: '1' } }, expect: { backend: 'b' } },
      { request: { path: '/?q=1', method: 'PUT' }, expect: { backend: 'a' } },
    ],
  },
  {
    name: 'the first rule wins between equal matches',
    rules: `- matches: [{ path: { value: /same } }]${to('b')}\n- matches: [{ path: { value: /same } }]${to('c')}`,
    exchanges: [{ request: '/same', expect: { backend: 'b' } }],
  },
  {
    name: 'the older of two routes wins between equal matches',
    extra: `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: $SERVICE-young, namespace: contract, creationTimestamp: '2026-02-01T00:00:00Z' }
spec: { parentRefs: [{ group: '', kind: Service, name: $SERVICE, port: 80 }], rules: [{ backendRefs: [{ name: b, port: 80 }] }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: $SERVICE-young-but-longer, namespace: contract, creationTimestamp: '2026-02-01T00:00:00Z' }
spec: { parentRefs: [{ group: '', kind: Service, name: $SERVICE, port: 80 }], rules: [{ matches: [{ path: { value: /long } }], backendRefs: [{ name: a, port: 80 }] }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: $SERVICE-old, namespace: contract, creationTimestamp: '2026-01-01T00:00:00Z' }
spec: { parentRefs: [{ group: '', kind: Service, name: $SERVICE, port: 80 }], rules: [{ backendRefs: [{ name: c, port: 80 }] }] }
`,
    exchanges: [
      { request: '/', expect: { backend: 'c' } },
      { request: '/long', expect: { backend: 'a' } },
    ],
  },
]
