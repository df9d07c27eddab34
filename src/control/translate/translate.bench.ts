// A whole pass over 1,000 Services with 5 pods each, and one after a change of one route. Prints ms; run with node.
import { performance } from 'node:perf_hooks'
import type { KindName, Kinds } from '#/api/kinds.ts'
import type { Resources, Sourced } from '#/control/source/resources.ts'
import { type Translation, translate } from './translate.ts'

const podsEach = 5

function sourced<T>(value: T): Sourced<T> {
  const origin = { file: 'bench.yaml', line: 1, column: 1 }
  return { value, origin, locate: () => origin }
}

/** Objects as the laptop's source makes them: a slice a pod. */
export function largeMesh(
  serviceCount: number,
): Record<'Service' | 'Pod' | 'EndpointSlice' | 'HTTPRoute', Map<string, Sourced<never>>> {
  const objects = { Service: new Map(), Pod: new Map(), EndpointSlice: new Map(), HTTPRoute: new Map() }
  for (let i = 0; i < serviceCount; i++) {
    const [namespace, name] = [`ns-${i % 20}`, `service-${i}`]
    const metadata = { name, namespace }
    objects.Service.set(`${namespace}/${name}`, sourced({ metadata, spec: { ports: [{ name: 'http', port: 80 }] } }))
    objects.HTTPRoute.set(`${namespace}/${name}`, sourced(route(namespace, name, 90)))
    for (let p = 0; p < podsEach; p++) {
      const pod = `${name}-6d4cf56db6-${p}`
      const port = 20_000 + ((i * podsEach + p) % 40_000)
      objects.Pod.set(`${namespace}/${pod}`, sourced(podOf(namespace, pod, port)))
      objects.EndpointSlice.set(`${namespace}/${pod}`, sourced(sliceOf(namespace, { name, pod, port })))
    }
  }
  return objects
}

function route(namespace: string, name: string, weight: number): unknown {
  const backendRefs = [
    { name, port: 80, weight },
    { name, port: 80, weight: 100 - weight },
  ]
  const parentRefs = [{ group: '', kind: 'Service', name }]
  const matches = [{ path: { type: 'PathPrefix', value: '/api' } }, { headers: [{ name: 'x-canary', value: '1' }] }]
  return { metadata: { name, namespace }, spec: { parentRefs, rules: [{ matches, backendRefs }, { backendRefs }] } }
}

function podOf(namespace: string, name: string, port: number): unknown {
  const ports = [{ port: 8080, name: 'http', application: `127.0.0.1:${port}`, inbound: `127.0.0.1:${port + 1}` }]
  const annotations = { 'weft.dev/ports': JSON.stringify(ports), 'weft.dev/outbound': `127.0.0.1:${port + 2}` }
  const ownerReferences = [{ kind: 'ReplicaSet', name: name.slice(0, name.lastIndexOf('-')) }]
  return {
    metadata: { name, namespace, annotations, ownerReferences, labels: { app: name } },
    spec: { containers: [{ name: 'app' }] },
    status: { podIP: '127.0.0.1', conditions: [{ type: 'Ready', status: 'True' }] },
  }
}

function sliceOf(namespace: string, { name, pod, port }: { name: string; pod: string; port: number }): unknown {
  return {
    metadata: { name: pod, namespace, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: port + 1 }],
    endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true }, targetRef: { kind: 'Pod', name: pod } }],
  }
}

function resourcesOf(objects: Partial<Record<KindName, Map<string, Sourced<never>>>>): Resources {
  return {
    of: <K extends KindName>(kind: K) => (objects[kind] ?? new Map()) as ReadonlyMap<string, Sourced<Kinds[K]>>,
  }
}

/** @returns ms of one pass from nothing and of the median pass after one route has changed. */
export function measureTranslation(serviceCount: number, rounds: number): { firstMs: number; changeMs: number } {
  const objects = largeMesh(serviceCount)
  const timed = (previous?: Translation): { ms: number; translation: Translation } => {
    const start = performance.now()
    const translation = translate(resourcesOf(objects), previous ? { previous } : {})
    return { ms: performance.now() - start, translation }
  }
  const first = timed()
  const changes: number[] = []
  let previous = first.translation
  for (let round = 0; round < rounds; round++) {
    objects.HTTPRoute.set('ns-0/service-0', sourced(route('ns-0', 'service-0', round % 100) as never))
    const { ms, translation } = timed(previous)
    changes.push(ms)
    previous = translation
  }
  const changeMs = changes.sort((a, b) => a - b)[rounds >> 1] ?? 0
  return { firstMs: first.ms, changeMs }
}

if (import.meta.main) {
  for (const count of [100, 1000, 5000]) {
    const { firstMs, changeMs } = measureTranslation(count, 15)
    console.log(
      `${count} services, ${count * podsEach} pods: first ${firstMs.toFixed(1)} ms, a change ${changeMs.toFixed(1)} ms`,
    )
  }
}
