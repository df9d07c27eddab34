import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KindName } from '#/api/kinds.ts'
import { ResourceTable } from '#/control/source/resource-table.ts'
import type { Sourced } from '#/control/source/resources.ts'
import { testAuthority } from '#/proxy/testing/certificate.ts'
import { type Random, seededRandom } from '#/std/random.ts'
import { checkInvariants } from './testing/invariant.ts'
import { type Translation, translate } from './translate.ts'

type Objects = Map<KindName, Map<string, Sourced<never>>>

const namespaces = ['shop', 'web', 'data']
const names = ['a', 'b', 'c', 'd']

/** One of a list. */
function pick<T>(random: Random, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)]!
}

function several<T>(random: Random, most: number, make: (random: Random) => T): T[] {
  return Array.from({ length: Math.floor(random() * (most + 1)) }, () => make(random))
}

function serviceOf(random: Random): object {
  const port = () => ({ port: 80, name: pick(random, ['http', 'tcp', 'web']) })
  const second = { port: 8080, name: 'second', appProtocol: pick(random, ['http', 'grpc', 'tcp', 'other']) }
  const dns = { port: 53, name: 'dns', protocol: 'UDP' }
  const clusterIP = pick(random, ['', '', '', 'None'])
  const type = random() < 0.1 ? { type: 'ExternalName' } : {}
  return { spec: { ...type, clusterIP, ports: pick(random, [[port()], [port(), second], [port(), second, dns]]) } }
}

function referenceOf(random: Random): object {
  const port = pick(random, [80, 80, 8080, 81, undefined])
  const external = random() < 0.1 ? { group: 'weft.dev', kind: 'ExternalService' } : {}
  return {
    name: pick(random, names),
    namespace: pick(random, [undefined, undefined, ...namespaces]),
    port,
    ...external,
  }
}

function matchOf(random: Random): object {
  const value = pick(random, ['/', '/a', '/a/', '/a/b', '/c'])
  const type = pick(random, ['Exact', 'PathPrefix', 'PathPrefix', 'RegularExpression'])
  const pair = () => ({ name: pick(random, ['x', 'y']), value: pick(random, ['1', '2']) })
  return {
    path: type === 'RegularExpression' ? { type, value: pick(random, ['/a.*', '.*', '/[bc]']) } : { type, value },
    headers: several(random, 2, pair),
    queryParams: several(random, 1, pair),
    ...(random() < 0.3 ? { method: pick(random, ['GET', 'POST']) } : {}),
  }
}

function filterOf(random: Random): object {
  const set = [{ name: 'X-Set', value: '1' }]
  const path = { type: 'ReplaceFullPath', replaceFullPath: pick(random, ['/a', '/c', '/a/b']) }
  return pick(random, [
    { type: 'RequestHeaderModifier', requestHeaderModifier: { set } },
    { type: 'RequestMirror', requestMirror: { backendRef: referenceOf(random), percent: 10 } },
    { type: 'RequestRedirect', requestRedirect: { path, hostname: pick(random, [undefined, 'a', 'b.shop']) } },
    { type: 'URLRewrite', urlRewrite: { path } },
    { type: 'ExtensionRef', extensionRef: { group: 'example.com', kind: 'Magic', name: 'wand' } },
  ])
}

function ruleOf(random: Random): object {
  const backend = () => ({
    ...referenceOf(random),
    ...(random() < 0.5 ? { weight: pick(random, [0, 1, 90]) } : {}),
    ...(random() < 0.1 ? { filters: [filterOf(random)] } : {}),
  })
  return {
    matches: several(random, 3, matchOf),
    filters: random() < 0.4 ? several(random, 2, filterOf) : [],
    backendRefs: several(random, 3, backend),
  }
}

function parentOf(random: Random): object {
  return {
    group: pick(random, ['', '', '', 'core', undefined]),
    kind: pick(random, ['Service', 'Service', 'Service', 'Gateway']),
    ...referenceOf(random),
  }
}

function routeOf(random: Random): { spec: object } {
  const parent = () => parentOf(random)
  const hostnames = random() < 0.1 ? { hostnames: ['example.com'] } : {}
  return { spec: { parentRefs: several(random, 3, parent), ...hostnames, rules: several(random, 3, ruleOf) } }
}

function grpcMatchOf(random: Random): object {
  const type = pick(random, ['Exact', 'RegularExpression'])
  const service = pick(random, ['', 'a.A', 'a.LongerA'])
  const method = service === '' || random() < 0.5 ? pick(random, ['Get', 'GetAll']) : ''
  const pair = () => ({ name: pick(random, ['x', 'y']), value: '1' })
  return { ...(random() < 0.8 ? { method: { type, service, method } } : {}), headers: several(random, 1, pair) }
}

function grpcRouteOf(random: Random): { spec: object } {
  const backend = () => referenceOf(random)
  const rule = () => ({ matches: several(random, 2, grpcMatchOf), backendRefs: several(random, 2, backend) })
  return { spec: { parentRefs: several(random, 2, parentOf), rules: several(random, 2, rule) } }
}

function streamRouteOf(random: Random): { spec: object } {
  const backendRefs = [referenceOf(random), { ...referenceOf(random), weight: pick(random, [0, 1, 90]) }]
  return { spec: { parentRefs: several(random, 2, parentOf), rules: [{ backendRefs }] } }
}

function tlsRouteOf(random: Random): { spec: object } {
  const hostname = () => pick(random, ['a.example', 'b.example', '*.example', '*.deep.example'])
  const { spec } = streamRouteOf(random)
  return { spec: { ...spec, hostnames: [hostname(), hostname(), hostname()] } }
}

function grantOf(random: Random): object {
  const kind = pick(random, ['HTTPRoute', 'GRPCRoute', 'TCPRoute'])
  const from = { group: 'gateway.networking.k8s.io', kind, namespace: pick(random, namespaces) }
  const to = { group: '', kind: 'Service', name: pick(random, [undefined, ...names]) }
  return { spec: { from: [from], to: [to] } }
}

function podOf(random: Random): object {
  const spec = { containers: [{ name: 'app' }] }
  return {
    spec,
    status: { podIP: '10.0.0.1', conditions: [{ type: 'Ready', status: pick(random, ['True', 'False']) }] },
  }
}

function sliceOf(random: Random): object {
  const targetRef = { kind: 'Pod', name: pick(random, names) }
  const conditions = { ready: random() < 0.7, serving: random() < 0.7, terminating: random() < 0.3 }
  const endpoint = () => ({ addresses: [`10.0.0.${Math.floor(random() * 4)}`], conditions, targetRef })
  return { addressType: 'IPv4', ports: [{ name: 'http', port: 8080 }], endpoints: several(random, 3, endpoint) }
}

function externalOf(random: Random): object {
  const host = () => pick(random, ['a.example', 'b.example', '*.example'])
  const tls = { caCertificateRefs: [{ group: '', kind: 'ConfigMap', name: pick(random, names) }] }
  const port = { port: 80, protocol: 'HTTP', ...pick(random, [{}, { tls: { ...tls, hostname: 'a.example' } }]) }
  const from = pick(random, ['Same', 'All', 'Selector'])
  const namespaces = { from, ...(from === 'Selector' ? { selector: { matchLabels: { a: 'b' } } } : {}) }
  const endpoints = pick(random, [{}, { endpoints: [{ address: 'localhost' }] }])
  return { spec: { hosts: [host()], ports: [port], ...endpoints, allowedCallers: { namespaces } } }
}

function backendTlsOf(random: Random): object {
  const sectionName = pick(random, [{}, { sectionName: 'http' }, { sectionName: 'second' }])
  const targetRefs = [{ group: '', kind: 'Service', name: pick(random, names), ...sectionName }]
  const caCertificateRefs = [{ group: '', kind: pick(random, ['ConfigMap', 'Secret']), name: pick(random, names) }]
  const trust = pick(random, [{ caCertificateRefs }, { wellKnownCACertificates: 'System' }])
  return { kind: 'BackendTLSPolicy', spec: { targetRefs, validation: { hostname: 'a.example', ...trust } } }
}

const { pem } = testAuthority()

const makers: Partial<Record<KindName, (random: Random) => object>> = {
  Service: serviceOf,
  HTTPRoute: routeOf,
  GRPCRoute: grpcRouteOf,
  TLSRoute: tlsRouteOf,
  TCPRoute: streamRouteOf,
  UDPRoute: streamRouteOf,
  ReferenceGrant: grantOf,
  Pod: podOf,
  EndpointSlice: sliceOf,
  ExternalService: externalOf,
  BackendTLSPolicy: backendTlsOf,
  ConfigMap: (random) => ({ data: pick(random, [{}, { 'ca.crt': pem }]) }),
  Mesh: (random) => ({ spec: { outbound: { mode: pick(random, ['AllowAny', 'RegistryOnly']) } } }),
}

/** Writes or removes one object, as a user or the system would. */
function edit(objects: Objects, random: Random): void {
  const kind = pick(random, [
    'Service',
    'HTTPRoute',
    'HTTPRoute',
    'HTTPRoute',
    'GRPCRoute',
    'TLSRoute',
    'TCPRoute',
    'UDPRoute',
    'ReferenceGrant',
    'Pod',
    'EndpointSlice',
    'ExternalService',
    'BackendTLSPolicy',
    'ConfigMap',
    'Mesh',
  ])
  const isMesh = kind === 'Mesh'
  const [namespace, name] = [pick(random, namespaces), isMesh ? 'default' : pick(random, names)]
  const key = isMesh ? name : `${namespace}/${name}`
  const own = new Map(objects.get(kind as KindName))
  objects.set(kind as KindName, own)
  if (random() < 0.2) {
    own.delete(key)
    return
  }
  const labels = { 'kubernetes.io/service-name': name }
  const creationTimestamp = pick(random, [undefined, '2026-01-01T00:00:00Z', '2026-02-01T00:00:00Z'])
  const value = { metadata: { name, namespace, labels, creationTimestamp }, ...makers[kind as KindName]!(random) }
  const origin = { file: `${kind}-${namespace}-${name}.yaml`, line: 1, column: 1 }
  own.set(key, { value: value as never, origin, locate: () => origin })
}

test('a translation made from the last one is the one made from nothing, whatever was edited, and keeps the invariants', () => {
  for (let seed = 1; seed <= 25; seed++) {
    const random = seededRandom(seed)
    const objects: Objects = new Map()
    let previous: Translation | undefined
    for (let step = 0; step < 40; step++) {
      for (let i = 0; i < 1 + step / 10; i++) edit(objects, random)
      const resources = new ResourceTable(new Map(objects))
      const fresh = translate(resources)
      const next = translate(resources, previous ? { previous } : {})
      const place = `seed ${seed}, step ${step}`
      assert.deepEqual(next, fresh, place)
      try {
        checkInvariants(resources, next)
      } catch (cause) {
        throw new Error(place, { cause })
      }
      assert.equal(translate(resources, { previous: next }), next, `${place}: nothing changed, nothing new`)
      previous = next
    }
  }
})
