/** gRPC as a proxy sees it: routes by service and method, and failures told as statuses. */
import assert from 'node:assert/strict'
import type { TestRequest } from '../http-client.ts'
import type { Behaviour } from './behaviour.ts'

const grpcRoute = (rules: string): string => `
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: { name: $SERVICE, namespace: contract }
spec:
  parentRefs: [{ group: '', kind: Service, name: $SERVICE, port: 80 }]
  rules:
${rules.replace(/^/gm, '    ')}
`

const call = (path: string, headers: Record<string, string> = {}): Omit<TestRequest, 'host'> => ({
  path,
  method: 'POST',
  headers: { 'content-type': 'application/grpc', te: 'trailers', ...headers },
  body: Buffer.from([0, 0, 0, 0, 0]),
})

export const grpcBehaviours: Behaviour[] = [
  {
    name: 'a GRPCRoute chooses by service, by method and by header',
    extra: grpcRoute(`
- matches: [{ method: { service: shop.Reviews, method: List } }]
  backendRefs: [{ name: b, port: 80 }]
- matches: [{ method: { service: shop.Reviews }, headers: [{ name: x-version, value: two }] }]
  backendRefs: [{ name: c, port: 80 }]
- matches: [{ method: { service: shop.Reviews } }]
  backendRefs: [{ name: a, port: 80 }]
`),
    exchanges: [
      { request: call('/shop.Reviews/List'), expect: { backend: 'b', path: '/shop.Reviews/List' } },
      { request: call('/shop.Reviews/Get', { 'x-version': 'two' }), expect: { backend: 'c' } },
      { request: call('/shop.Reviews/Get'), expect: { backend: 'a', received: { te: 'trailers' } } },
    ],
  },
  {
    name: 'a call that no rule matches is UNIMPLEMENTED',
    extra: grpcRoute(`
- matches: [{ method: { service: shop.Reviews } }]
  backendRefs: [{ name: b, port: 80 }]
`),
    exchanges: [
      {
        request: call('/shop.Other/Get'),
        expect: { status: 200, answered: { 'grpc-status': '12', 'content-type': 'application/grpc' } },
      },
    ],
  },
  {
    name: 'a call to a Service without endpoints is UNAVAILABLE',
    extra: grpcRoute(`
- backendRefs: [{ name: nobody, port: 80 }]
`),
    run: async ({ send }) => {
      const { status, headers } = await send(call('/shop.Reviews/Get'))
      assert.deepEqual([status, headers['grpc-status']], [200, '14'])
    },
  },
  {
    name: 'an invalid backend fails its calls with a status',
    extra: grpcRoute(`
- backendRefs: [{ name: missing, port: 80 }]
`),
    run: async ({ send }) => {
      const { status, headers } = await send(call('/shop.Reviews/Get'))
      assert.equal(status, 200)
      assert.match(String(headers['grpc-status']), /^(2|13|14)$/)
    },
  },
]
