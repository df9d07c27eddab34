/** What holds for every translation, whatever the input: checked over all goldens. */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { KindName, Kinds } from '#/api/kinds.ts'
import type { Resources } from '#/control/source/resources.ts'
import { formatObjectRef, type RuleRef } from '#/model/object-ref.ts'
import type { Route, RouteMatch } from '#/model/route.ts'
import { formatDestination, transportOf } from '#/model/service.ts'
import type { Translation } from '../translate.ts'

/** Types and reasons of Gateway API 1.6 (shared_types.go), and Weft's own `Conflicted`. */
const legalReasons: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  Accepted: {
    True: ['Accepted'],
    False: ['NoMatchingParent', 'UnsupportedValue', 'IncompatibleFilters', 'Conflicted'],
  },
  ResolvedRefs: {
    True: ['ResolvedRefs'],
    False: ['BackendNotFound', 'InvalidKind', 'RefNotPermitted', 'UnsupportedProtocol'],
  },
  PartiallyInvalid: { True: ['UnsupportedValue', 'IncompatibleFilters'] },
  Conflicted: { True: ['Shadowed', 'RedirectCycle', 'MoreSpecificKind'] },
}

export function checkInvariants(resources: Resources, translation: Translation): void {
  checkDestinations(translation)
  checkStreams(resources, translation)
  checkRoutes(resources, translation)
  checkWeights(resources, translation)
  checkUsage(translation)
  checkStatuses(resources, translation)
  checkFaults(translation)
}

function checkDestinations({ mesh }: Translation): void {
  for (const { host, ports, external } of mesh.services.values()) {
    for (const { port, protocol } of ports) {
      const transport = transportOf(protocol)
      const name = formatDestination({ host, port, transport })
      assert.equal(mesh.routes.has(name), transport === 'tcp', `${name}: TCP ports alone have route configurations`)
      assert.ok(mesh.destinations.has(name), `${name} is a destination`)
      const { discovery, service } = mesh.clusters.get(name) ?? assert.fail(`${name} has no cluster`)
      // What users call it is the name of an ExternalService in metrics, which a BackendTLSPolicy's Service has not lost.
      assert.deepEqual([service?.host, service?.port], [external?.hosts[0] ?? host, port])
      if (discovery.type === 'eds') assert.equal(discovery.serviceName, name)
      else
        assert.ok(
          external || ('endpoints' in discovery && discovery.endpoints.length === 0),
          `${name}: endpoints by EDS`,
        )
    }
  }
  for (const named of [mesh.routes, mesh.destinations, mesh.clusters, mesh.assignments]) {
    for (const [key, { name }] of named) assert.equal(name, key)
  }
  for (const { name, discovery } of mesh.clusters.values())
    assert.ok(mesh.assignments.has(name) || discovery.type !== 'eds', `${name} has an assignment`)
  for (const name of mesh.assignments.keys()) assert.ok(mesh.clusters.has(name), `${name} has a cluster`)
  for (const name of mesh.routes.keys()) assert.ok(mesh.destinations.has(name), `${name}: no such destination`)
  for (const name of mesh.destinations.keys())
    assert.ok(mesh.clusters.has(name.split('@')[0]!), `${name}: no such cluster`)
}

/** Who takes no requests has somewhere to send its bytes; what a rule sends it sends in the shares that were asked for. */
function checkStreams(resources: Resources, { mesh }: Translation): void {
  for (const { name, protocol, streams } of mesh.destinations.values()) {
    assert.equal(streams.length === 0, protocol === 'http', `${name}: ${protocol} has streams`)
    const taken = new Set<string>()
    for (const { serverNames, backends, rule } of streams) {
      for (const serverName of serverNames.length > 0 ? serverNames : ['']) {
        assert.ok(!taken.has(serverName), `${name}: ${serverName} is taken once`)
        taken.add(serverName)
      }
      assert.ok(!serverNames.includes('') && (serverNames.length === 0 || protocol === 'tls'), `${name}: names of TLS`)
      assert.ok(
        backends.some(({ weight }) => weight > 0),
        `${name}: somebody gets the connections`,
      )
      for (const backend of backends)
        if (backend.type === 'cluster')
          assert.ok(mesh.clusters.has(backend.cluster), `${name}: ${backend.cluster} exists`)
      if (!rule) continue
      const kind = rule.kind as 'TCPRoute' | 'TLSRoute' | 'UDPRoute'
      const refs = resources.of(kind).get(`${rule.namespace}/${rule.name}`)!.value.spec.rules[rule.rule]!.backendRefs
      const asked = refs.map(({ weight = 1 }) => weight)
      const all = asked.every((weight) => weight === 0) ? [...asked, 1] : asked
      const got = backends.map(({ weight }) => weight)
      assert.deepEqual(got, all, `${name}: weights`)
    }
    const wildcards = streams.map(({ serverNames }) => (serverNames[0]?.startsWith('*.') ? serverNames[0].length : 999))
    const isOrderly = wildcards.every((length, i) => i === 0 || length <= wildcards[i - 1]!)
    assert.ok(isOrderly, `${name}: exact names before wildcards, the longest first`)
  }
}

function objectOf(resources: Resources, rule: RuleRef): Kinds['HTTPRoute'] | Kinds['GRPCRoute'] | undefined {
  const key = `${rule.namespace}/${rule.name}`
  return rule.kind === 'GRPCRoute'
    ? resources.of('GRPCRoute').get(key)?.value
    : resources.of('HTTPRoute').get(key)?.value
}

function checkRoutes(resources: Resources, { mesh }: Translation): void {
  for (const { name, virtualHosts } of mesh.routes.values()) {
    assert.equal(virtualHosts.length, 1)
    for (const { routes, domains } of virtualHosts) {
      assert.deepEqual(domains, ['*'])
      assert.equal(new Set(routes.map((route) => route.name)).size, routes.length, `${name}: names are unique`)
      assert.ok(routes.length > 0, `${name}: has routes`)
      for (const route of routes) {
        checkAction(route, mesh.clusters)
        if (!route.rule) assert.equal(route.name, 'default', `${name}: ${route.name} names no rule`)
        else {
          assert.match(route.name, new RegExp(`^${formatObjectRef(route.rule)} rule ${route.rule.rule} match \\d+$`))
          const object = objectOf(resources, route.rule)
          const rules = object?.spec.rules ?? [undefined]
          assert.ok(object && route.rule.rule < Math.max(rules.length, 1), `${route.name}: its rule exists`)
        }
      }
      const kinds = new Set(routes.map(({ rule }) => rule?.kind))
      assert.equal(kinds.size, 1, `${name}: one kind alone`)
      const rank = kinds.has('GRPCRoute') ? grpcRank : httpRank
      for (let i = 1; i < routes.length; i++) {
        const pair = `${routes[i - 1]!.name} before ${routes[i]!.name}`
        assert.ok(isOrdered(rank(routes[i - 1]!.match), rank(routes[i]!.match)), `${name}: ${pair}`)
      }
    }
  }
}

function checkAction({ name, action }: Route, clusters: ReadonlyMap<string, unknown>): void {
  if (action.type !== 'forward') return
  const used = action.backends.flatMap((backend) => (backend.type === 'cluster' ? [backend.cluster] : []))
  for (const cluster of [...used, ...action.mirrors.map((mirror) => mirror.cluster)]) {
    assert.ok(clusters.has(cluster), `${name}: cluster ${cluster} exists`)
  }
  assert.ok(
    action.backends.some(({ weight }) => weight > 0),
    `${name}: somebody gets the requests`,
  )
}

/** The standard's own words as numbers, the smaller first; written apart from the comparison that is tested. */
function httpRank({ path, method, headers, query }: RouteMatch): number[] {
  const kind = path.type === 'exact' ? 0 : path.type === 'regex' ? 1 : 2
  return [kind, kind === 0 ? 0 : -path.value.length, method ? 0 : 1, -headers.length, -query.length]
}

/** A pattern is `/SERVICE/METHOD` too: its parts stand behind exact names and before none. */
function grpcRank({ path, headers, isGrpc }: RouteMatch): number[] {
  assert.ok(isGrpc)
  const slash = path.value.startsWith('/[^/]+/') ? 6 : path.value.indexOf('/', 1)
  const written = slash < 0 ? ['', ''] : [path.value.slice(1, slash), path.value.slice(slash + 1)]
  const parts = written.map((part) => (part === '[^/]+' ? '' : part))
  const ranks = parts.flatMap((part) => {
    const bare = part.replace(/^\(\?:(.*)\)$/, '$1')
    return [bare === '' ? 2 : bare === part ? 0 : 1, -bare.length]
  })
  return [...ranks, -headers.length]
}

function isOrdered(a: number[], b: number[]): boolean {
  const i = a.findIndex((value, at) => value !== b[at])
  return i < 0 || a[i]! < b[i]!
}

/** Every backendRef of a rule that is in force has its weight in the outcome, at its place. */
function checkWeights(resources: Resources, { mesh }: Translation): void {
  for (const { virtualHosts } of mesh.routes.values()) {
    for (const { rule, action, name } of virtualHosts.flatMap(({ routes }) => routes)) {
      if (!rule || action.type !== 'forward') continue
      const object = objectOf(resources, rule)!
      const asked = (object.spec.rules?.[rule.rule]?.backendRefs ?? []).map(({ weight }) => weight ?? 1)
      const got = action.backends.map(({ weight }) => weight)
      const isRefused = got.length === 1 && action.backends[0]!.type === 'invalid'
      const all = asked.every((weight) => weight === 0) ? [...asked, 1] : asked
      assert.ok(isRefused || isDeepStrictEqual(got, all), `${name}: weights ${got} of ${asked}`)
    }
  }
}

function checkUsage({ mesh }: Translation): void {
  const found = new Map<string, Set<string>>()
  for (const { name, virtualHosts } of mesh.routes.values()) {
    for (const { rule } of virtualHosts.flatMap(({ routes }) => routes)) {
      if (!rule) continue
      const key = formatObjectRef(rule)
      found.set(key, (found.get(key) ?? new Set()).add(name))
    }
  }
  for (const { name, streams } of mesh.destinations.values()) {
    for (const { rule } of streams) {
      if (!rule) continue
      const key = formatObjectRef(rule)
      found.set(key, (found.get(key) ?? new Set()).add(name))
    }
  }
  const usage = new Map([...mesh.usage].map(([key, names]) => [key, new Set(names)]))
  assert.deepEqual(usage, found, 'usage names the configurations that an object stands in')
}

function checkStatuses(resources: Resources, { statuses, mesh }: Translation): void {
  for (const { ref, parents } of statuses) {
    const key = formatObjectRef(ref)
    const own = ref.namespace === '' ? ref.name : `${ref.namespace}/${ref.name}`
    assert.ok(resources.of(ref.kind as KindName).has(own), `${key} exists`)
    if (!ref.kind.endsWith('Route')) continue
    for (const { parent, conditions } of parents) {
      assert.match(parent?.kind ?? '', /^(External)?Service$/)
      const types = conditions.map(({ type }) => type)
      assert.equal(new Set(types).size, types.length, `${key}: one condition a type`)
      assert.deepEqual(types.slice(0, 1), ['Accepted'], `${key}: says whether it is accepted`)
      assert.ok(types.includes('ResolvedRefs'), `${key}: says whether its references are`)
      for (const { type, status, reason, message } of conditions) {
        assert.ok(legalReasons[type]?.[status]?.includes(reason), `${key}: ${type}=${status} for ${reason} is legal`)
        assert.ok(message.length > 0, `${key}: ${type} says why`)
        if (type === 'PartiallyInvalid') assert.match(message, /^Dropped Rule/)
      }
    }
    const isAttached = parents.some(
      ({ conditions: [first] }) => first?.reason !== 'NoMatchingParent' && first?.reason !== 'Conflicted',
    )
    const isShadowed = parents.some(({ conditions }) => conditions.some(({ reason }) => reason === 'Shadowed'))
    if (!isShadowed) assert.equal(mesh.usage.has(key), isAttached, `${key}: stands in the routes when it is attached`)
  }
}

function checkFaults({ faults }: Translation): void {
  for (const { code, message, cure, origin } of faults) {
    assert.match(code, /^[a-z]+(-[a-z]+)*$/)
    assert.match(message, /\.$/, `a sentence: ${message}`)
    assert.match(cure, /[.}`]$/, `a sentence: ${cure}`)
    assert.ok(origin.line >= 1 && origin.column >= 1, `${code} has a place`)
  }
}
