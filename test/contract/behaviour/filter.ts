/** Gateway API HTTPRouteFilter: headers, redirect, rewrite, mirror, CORS. */
import assert from 'node:assert/strict'
import type { Behaviour } from './behaviour.ts'

const toB = '\n  backendRefs: [{ name: b, port: 80 }]'
const redirect = (match: string, fields: string): string =>
  `- matches: [{ path: { value: ${match} } }]\n  filters: [{ type: RequestRedirect, requestRedirect: { ${fields} } }]`
const rewrite = (match: string, fields: string): string =>
  `- matches: [{ path: { value: ${match} } }]\n  filters: [{ type: URLRewrite, urlRewrite: { ${fields} } }]${toB}`
const prefix = (value: string): string => `path: { type: ReplacePrefixMatch, replacePrefixMatch: ${value} }`

export const filterBehaviours: Behaviour[] = [
  {
    name: 'request headers are set, added and removed on the rule and on the backend',
    rules: `- filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: X-Set, value: rule }], add: [{ name: x-add, value: rule }], remove: [x-remove] } }]
  backendRefs:
    - name: b
      port: 80
      filters: [{ type: RequestHeaderModifier, requestHeaderModifier: { set: [{ name: x-backend-set, value: '50%' }], remove: [x-backend-remove] } }]`,
    exchanges: [
      {
        request: {
          path: '/',
          headers: { 'x-set': 'client', 'x-add': 'client', 'x-remove': '1', 'x-backend-remove': '1', 'x-keep': '1' },
        },
        expect: {
          backend: 'b',
          received: {
            'x-set': 'rule',
            'x-add': 'client, rule',
            'x-remove': null,
            'x-backend-set': '50%',
            'x-backend-remove': null,
            'x-keep': '1',
          },
        },
      },
    ],
  },
  {
    name: 'response headers are set, added and removed on the rule and on the backend',
    rules: `- filters: [{ type: ResponseHeaderModifier, responseHeaderModifier: { set: [{ name: x-set, value: rule }], remove: [x-from-backend] } }]
  backendRefs:
    - name: b
      port: 80
      filters: [{ type: ResponseHeaderModifier, responseHeaderModifier: { add: [{ name: x-added, value: backend }] } }]`,
    exchanges: [
      {
        request: '/',
        expect: { backend: 'b', answered: { 'x-set': 'rule', 'x-added': 'backend', 'x-from-backend': null } },
      },
    ],
  },
  {
    name: 'redirects: scheme, host, port and status make the Location',
    rules: [
      redirect('/host', 'hostname: other.example'),
      redirect('/status', 'hostname: other.example, statusCode: 301'),
      redirect('/port', 'port: 8083'),
      redirect('/scheme', 'scheme: https'),
      redirect('/all', 'scheme: https, hostname: other.example, port: 8443, statusCode: 308'),
      redirect('/https-443', 'scheme: https, port: 443'),
      redirect('/see', 'hostname: other.example, statusCode: 303'),
    ].join('\n'),
    run: async ({ send, host }) => {
      const expected: [string, number, string][] = [
        ['/host?a=1', 302, 'http://other.example/host?a=1'],
        ['/status', 301, 'http://other.example/status'],
        ['/port', 302, `http://${host}:8083/port`],
        ['/scheme', 302, `https://${host}/scheme`],
        ['/all/x?y', 308, 'https://other.example:8443/all/x?y'],
        ['/https-443', 302, `https://${host}/https-443`],
        ['/see', 303, 'http://other.example/see'],
      ]
      for (const [path, status, location] of expected) {
        const answer = await send(path)
        assert.deepEqual([path, answer.status, answer.headers.location], [path, status, location])
      }
    },
  },
  {
    name: 'redirects: the port that is not given is the one of the scheme, or else the one that was called',
    extra: `
apiVersion: v1
kind: Service
metadata: { name: $SERVICE-alt, namespace: contract }
spec: { ports: [{ name: http, port: 8080 }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: $SERVICE-alt, namespace: contract }
spec:
  parentRefs: [{ group: '', kind: Service, name: $SERVICE-alt, port: 8080 }]
  rules:
${[
  redirect('/host', 'hostname: other.example'),
  redirect('/host-80', 'hostname: other.example, port: 80'),
  redirect('/path', 'path: { type: ReplaceFullPath, replaceFullPath: /new }'),
  redirect('/host-https', 'hostname: other.example, scheme: https'),
]
  .join('\n')
  .replace(/^/gm, '    ')}
`,
    run: async ({ send, host }) => {
      const called = `${host.replace('.contract', '-alt.contract')}:8080`
      for (const [path, location] of [
        ['/host', 'http://other.example:8080/host'],
        ['/host-80', 'http://other.example/host-80'],
        ['/path', `http://${called}/new`],
        ['/host-https', 'https://other.example/host-https'],
      ] as const) {
        const answer = await send({ path, host: called })
        assert.deepEqual([path, answer.headers.location], [path, location])
      }
    },
  },
  {
    name: 'redirects: the port of the scheme is written nowhere, though another was called',
    envoy: 'a port that Envoy is told to write is written, though it be the one of the scheme',
    extra: `
apiVersion: v1
kind: Service
metadata: { name: $SERVICE-alt, namespace: contract }
spec: { ports: [{ name: http, port: 8080 }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: $SERVICE-alt, namespace: contract }
spec:
  parentRefs: [{ group: '', kind: Service, name: $SERVICE-alt, port: 8080 }]
  rules:
${redirect('/', 'scheme: https').replace(/^/gm, '    ')}
`,
    run: async ({ send, host }) => {
      const name = host.replace('.contract', '-alt.contract')
      assert.equal((await send({ path: '/x', host: `${name}:8080` })).headers.location, `https://${name}/x`)
    },
  },
  {
    name: 'redirects: the path is replaced whole or by its prefix',
    rules: [
      redirect('/full', 'path: { type: ReplaceFullPath, replaceFullPath: /new }'),
      redirect('/prefix', prefix('/new')),
      redirect('/gone', prefix('/')),
    ].join('\n'),
    run: async ({ send, host }) => {
      for (const [path, location] of [
        ['/full/x?q=1', '/new?q=1'],
        ['/prefix/x?q=1', '/new/x?q=1'],
        ['/prefix', '/new'],
        ['/gone/x', '/x'],
        ['/gone', '/'],
      ] as const) {
        const answer = await send(path)
        assert.deepEqual([path, answer.headers.location], [path, `http://${host}${location}`])
      }
    },
  },
  {
    name: 'rewrites the host',
    rules: rewrite('/', 'hostname: inner.example'),
    exchanges: [{ request: '/x', expect: { backend: 'b', host: 'inner.example', path: '/x' } }],
  },
  {
    name: 'rewrites the path whole or by its prefix, with the slash where it belongs',
    rules: [
      rewrite('/full', 'path: { type: ReplaceFullPath, replaceFullPath: /one/two }'),
      rewrite('/prefix', prefix('/new')),
      rewrite('/slash', prefix('/new/')),
      rewrite('/gone', prefix('/')),
      rewrite('/empty', prefix("''")),
      rewrite('/', prefix('/root')),
    ].join('\n'),
    exchanges: [
      { request: '/full/x?q=1', expect: { path: '/one/two?q=1' } },
      { request: '/prefix', expect: { path: '/new' } },
      { request: '/prefix/', expect: { path: '/new/' } },
      { request: '/prefix/x?q=1', expect: { path: '/new/x?q=1' } },
      { request: '/slash/x', expect: { path: '/new/x' } },
      { request: '/gone/x', expect: { path: '/x' } },
      { request: '/gone', expect: { path: '/' } },
      { request: '/empty/x?q', expect: { path: '/x?q' } },
      { request: '/other', expect: { path: '/root/other' } },
    ],
  },
  {
    name: 'mirrors to several backends and answers from the first',
    rules: `- matches: [{ path: { value: /mirror } }]
  filters: [{ type: RequestMirror, requestMirror: { backendRef: { name: b, port: 80 } } }, { type: RequestMirror, requestMirror: { backendRef: { name: c, port: 80 } } }]
  backendRefs: [{ name: a, port: 80 }]`,
    run: async ({ send, receivedBy, eventually }) => {
      for (let i = 0; i < 5; i++) {
        const answer = await send({ path: '/mirror/all', method: 'POST', body: 'same' })
        assert.equal(answer.echo?.backend, 'a')
      }
      await eventually(() => {
        assert.equal(receivedBy('b', '/mirror/all'), 5)
        assert.equal(receivedBy('c', '/mirror/all'), 5)
      })
    },
  },
  {
    name: 'mirrors a percentage',
    rules: `- matches: [{ path: { value: /some } }]
  filters: [{ type: RequestMirror, requestMirror: { percent: 50, backendRef: { name: b, port: 80 } } }]
  backendRefs: [{ name: a, port: 80 }]
- matches: [{ path: { value: /none } }]
  filters: [{ type: RequestMirror, requestMirror: { percent: 0, backendRef: { name: b, port: 80 } } }]
  backendRefs: [{ name: a, port: 80 }]`,
    run: async ({ send, receivedBy, eventually }) => {
      await Promise.all(Array.from({ length: 400 }, () => send('/some')))
      for (let i = 0; i < 20; i++) await send('/none')
      // 400 draws of one half: outside 140..260 once in 10^8 runs.
      await eventually(() =>
        assert.ok(
          receivedBy('b', '/some') > 140 && receivedBy('b', '/some') < 260,
          `${receivedBy('b', '/some')} of 400`,
        ),
      )
      assert.equal(receivedBy('b', '/none'), 0)
    },
  },
  {
    name: 'answers a CORS preflight and marks the actual answer',
    rules: `- filters: [{ type: CORS, cors: { allowOrigins: ['https://app.example', 'https://*.wild.example'], allowMethods: [GET, PUT], allowHeaders: [x-token], exposeHeaders: [x-seen], allowCredentials: true, maxAge: 600 } }]${toB}`,
    run: async ({ send }) => {
      const preflight = (origin: string) =>
        send({
          path: '/',
          method: 'OPTIONS',
          headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-token' },
        })
      for (const origin of ['https://app.example', 'https://a.wild.example']) {
        const answer = await preflight(origin)
        assert.ok(answer.status === 200 || answer.status === 204, String(answer.status))
        assert.equal(answer.headers['access-control-allow-origin'], origin)
        assert.match(String(answer.headers['access-control-allow-methods']), /PUT/)
        assert.match(String(answer.headers['access-control-allow-headers']), /x-token/i)
        assert.equal(answer.headers['access-control-max-age'], '600')
        assert.equal(answer.headers['access-control-allow-credentials'], 'true')
      }
      assert.equal((await preflight('https://evil.example')).headers['access-control-allow-origin'], undefined)
      const actual = await send({ path: '/', headers: { origin: 'https://app.example' } })
      assert.equal(actual.echo?.backend, 'b')
      assert.equal(actual.headers['access-control-allow-origin'], 'https://app.example')
      assert.match(String(actual.headers['access-control-expose-headers']), /x-seen/i)
    },
  },
]
