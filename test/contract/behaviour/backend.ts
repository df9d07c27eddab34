/** Weights, missing backends, endpoints, timeouts, producer and consumer routes. */
import assert from 'node:assert/strict'
import type { Behaviour, BehaviourContext } from './behaviour.ts'

async function countBackends(context: BehaviourContext, requests: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (let done = 0; done < requests; done += 50) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => context.send('/')))
    for (const answer of answers) {
      const key = answer.echo?.backend ?? String(answer.status)
      counts[key] = (counts[key] ?? 0) + 1
    }
  }
  return counts
}

/** Chi-squared with one or two degrees of freedom stays under 13.8 in 999 of 1,000 runs; 20 leaves no doubt. */
function assertShares(counts: Record<string, number>, shares: Record<string, number>): void {
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0)
  let chi = 0
  for (const [key, share] of Object.entries(shares)) chi += ((counts[key] ?? 0) - total * share) ** 2 / (total * share)
  assert.ok(chi < 20, `chi-squared ${chi.toFixed(1)}: ${JSON.stringify(counts)} for ${JSON.stringify(shares)}`)
  assert.deepEqual(Object.keys(counts).sort(), Object.keys(shares).sort())
}

const split = (rest: string): string => `- backendRefs: ${rest}`
const slice = (name: string, port: string): string => `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}, namespace: contract, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
ports: [{ name: http, port: ${port} }]
`

export const backendBehaviours: Behaviour[] = [
  {
    name: 'weights are shares of the traffic, and 0 is none',
    rules: split(
      '[{ name: a, port: 80, weight: 70 }, { name: b, port: 80, weight: 30 }, { name: c, port: 80, weight: 0 }]',
    ),
    run: async (context) => assertShares(await countBackends(context, 1000), { a: 0.7, b: 0.3 }),
  },
  {
    name: 'a missing backend answers 500 for its share alone',
    rules: split('[{ name: a, port: 80, weight: 50 }, { name: missing, port: 80, weight: 50 }]'),
    run: async (context) => assertShares(await countBackends(context, 1000), { a: 0.5, 500: 0.5 }),
  },
  {
    name: 'a rule whose only backend is missing answers 500',
    rules: split('[{ name: missing, port: 80 }]'),
    exchanges: [{ request: '/', expect: { status: 500 } }],
  },
  {
    name: 'a backend in another namespace needs a ReferenceGrant',
    rules: `- matches: [{ path: { value: /granted } }]\n  backendRefs: [{ name: granted, namespace: elsewhere, port: 80 }]\n- backendRefs: [{ name: refused, namespace: elsewhere, port: 80 }]`,
    exchanges: [
      { request: '/granted', expect: { backend: 'b' } },
      { request: '/', expect: { status: 500 } },
    ],
  },
  {
    name: 'a Service without ready endpoints answers 503',
    rules: split('[{ name: nobody, port: 80 }]'),
    exchanges: [{ request: '/', expect: { status: 503 } }],
  },
  {
    name: 'a request timeout answers 504, a quick answer passes',
    rules: `- matches: [{ path: { value: /delay } }]\n  timeouts: { request: 200ms }\n  backendRefs: [{ name: a, port: 80 }]`,
    exchanges: [
      { request: '/delay/2000', expect: { status: 504 } },
      { request: '/delay/1', expect: { status: 200 } },
    ],
  },
  {
    name: 'a backend timeout answers 504',
    rules: `- timeouts: { request: 5s, backendRequest: 200ms }\n  backendRefs: [{ name: a, port: 80 }]`,
    exchanges: [{ request: '/delay/3000', expect: { status: 504 } }],
  },
  {
    name: 'consumer routes hold for their own namespace alone, and there before producer routes',
    rules: '- backendRefs: [{ name: b, port: 80 }]',
    extra: `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: $SERVICE-consumer, namespace: web }
spec: { parentRefs: [{ group: '', kind: Service, name: $SERVICE, namespace: contract, port: 80 }], rules: [{ filters: [{ type: ResponseHeaderModifier, responseHeaderModifier: { set: [{ name: x-consumer, value: web }] } }], backendRefs: [{ name: $SERVICE, namespace: contract, port: 80 }] }] }
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: { name: $SERVICE, namespace: contract }
spec: { from: [{ group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: web }], to: [{ group: '', kind: Service, name: $SERVICE }] }
`,
    run: async ({ send, sendFromWeb }) => {
      const producer = await send('/')
      assert.equal(producer.echo?.backend, 'b')
      assert.equal(producer.headers['x-consumer'], undefined)
      const consumer = await sendFromWeb('/')
      assert.equal(consumer.headers['x-consumer'], 'web')
      assert.equal(consumer.echo?.backend, 'a')
    },
  },
  {
    name: 'new endpoints are used and old ones are not, with no request lost',
    extra: `
apiVersion: v1
kind: Service
metadata: { name: $SERVICE-moving, namespace: contract }
spec: { ports: [{ name: http, port: 80 }] }
---${slice('$SERVICE-moving', '$PORT_A')}`,
    run: async (context) => {
      const host = context.host.replace('.contract', '-moving.contract')
      const ask = () => context.send({ path: '/', host })
      await context.eventually(async () => assert.equal((await ask()).echo?.backend, 'a'))
      context.rewrite(`apiVersion: v1
kind: Service
metadata: { name: $SERVICE-moving, namespace: contract }
spec: { ports: [{ name: http, port: 80 }] }
---${slice('$SERVICE-moving', '$PORT_B')}`)
      await context.eventually(async () => {
        const answer = await ask()
        assert.equal(answer.status, 200)
        assert.equal(answer.echo?.backend, 'b')
      })
    },
  },
  {
    name: 'an unknown host answers 404',
    run: async ({ send }) =>
      assert.equal((await send({ path: '/', host: 'nowhere.contract.svc.cluster.local' })).status, 404),
  },
  {
    name: 'every alias of the Service is its name',
    run: async ({ send, host }) => {
      for (const alias of [
        host,
        `${host}:80`,
        `${host}.svc`,
        `${host}.svc.cluster.local`,
        `${host}.svc.cluster.local:80`,
      ]) {
        assert.equal((await send({ path: '/', host: alias })).echo?.backend, 'a', alias)
      }
    },
  },
]
