/** The control plane's heart, pure: what users said (Resources) → what is true (Mesh), and what to tell them. */
import type { Fault, Resources } from '#/control/source/resources.ts'
import type { Mesh, ObjectStatus } from '#/model/mesh.ts'
import { formatObjectRef } from '#/model/object-ref.ts'
import type { Service } from '#/model/service.ts'
import { AccessPolicies } from './access/read-access.ts'
import { AuthorizationServers } from './authentication/external-authorization.ts'
import { MutualTlsModes } from './authentication/mutual-tls.ts'
import { type FetchedKeySets, TokenRules } from './authentication/token-rules.ts'
import { readBackendTls, withBackendTls } from './backend-tls/read-backend-tls.ts'
import { assignEndpoints } from './endpoint.ts'
import { type ExternalIndex, readExternals } from './external/read-externals.ts'
import { compareFaults } from './fault.ts'
import { keepList, keepMap } from './identity.ts'
import { readMeshSettings } from './mesh-settings.ts'
import { type GrantIndex, readGrants } from './reference-grant.ts'
import { type ReadRoutes, readRoutes } from './route/read-routes.ts'
import { type ClusterDefaults, clustersOf, readServices, type ServiceIndex } from './service.ts'
import { TrafficPolicies } from './traffic/read-traffic.ts'
import { withHashKeys } from './traffic/route-hash.ts'
import { readWorkloads } from './workload.ts'

export interface Translation {
  mesh: Mesh
  /** In the order of the objects. */
  statuses: readonly ObjectStatus[]
  /** In the order of the files. */
  faults: readonly Fault[]
}

export interface TranslateOptions {
  /** The last outcome: what is equal to it stays the same object, up to the whole. */
  previous?: Translation
  /** For Services that choose none. */
  clusterDefaults?: Partial<ClusterDefaults>
  /**
   * Whether a backendRef into another namespace needs a ReferenceGrant there. `required` (default): yes, but never into the
   * namespace of the Service that the route is attached to. `optional`: no; GEP-1294 leaves a mesh the choice.
   */
  referenceGrants?: 'required' | 'optional'
  /** Of the certificates that sidecars have; absent where they have none. */
  trustDomain?: string
  /** Keys of issuers that policies name by address. */
  keySets?: FetchedKeySets
}

/** Least request sees slow endpoints, round robin does not. Envoy's own connect timeout is 5 s as well. */
const clusterDefaults: ClusterDefaults = { loadBalancing: 'least-request', connectTimeoutMs: 5000 }

/** Never throws for what a user wrote: that becomes a fault, a status, or both. */
export function translate(resources: Resources, options: TranslateOptions = {}): Translation {
  const before = options.previous && stages.get(options.previous)
  // What is asked of callers: the mode of mutual TLS.
  const modes = new MutualTlsModes(resources)
  // Who runs: Pods, with what they tell about their sidecars.
  const { trustDomain } = options
  const { index: workloads, faults: workloadFaults } = readWorkloads(resources, trustDomain ? modes : undefined)
  // What can be called: Services and what their ports speak.
  const { index: services, faults: serviceFaults } = readServices(resources, before?.services)
  // How each destination is called, and where it answers.
  const defaults = { ...clusterDefaults, ...options.clusterDefaults }
  const clusters = clustersOf(services.entries.values(), defaults)
  const endpoints = assignEndpoints({
    resources,
    services: services.entries,
    workloads: workloads.byPod,
    ...(trustDomain ? { trustDomain } : {}),
  })
  // Whose pods end TLS themselves.
  const backendTls = readBackendTls(resources, services)
  withBackendTls(backendTls, { clusters, assignments: endpoints.assignments })
  // How much at a time, which endpoint, and who is left out.
  const traffic = new TrafficPolicies(resources, services)
  traffic.applyTo(clusters)
  // What is outside and may be called like a Service, and what becomes of calls to anything else.
  const externals = readExternals(resources, { defaults, before: before?.externals })
  for (const cluster of externals.clusters) clusters.set(cluster.name, cluster)
  const settings = readMeshSettings(resources, trustDomain)
  // Which request and which connection goes where: the users' routes, in order of precedence, else each destination to itself.
  const grants = options.referenceGrants === 'optional' ? undefined : readGrants(resources, before?.grants)
  const routes = readRoutes(resources, { services, externals: externals.index, grants }, before?.routes)
  // Who may do what.
  const access = new AccessPolicies({ resources, routes, ...(trustDomain ? { trustDomain } : {}) })
  // Whose tokens are believed.
  const tokens = new TokenRules(resources, options.keySets)
  // Who else is asked.
  const servers = new AuthorizationServers({ resources, services, assignments: endpoints.assignments })
  const mesh = {
    services: byHost([...services.entries.values(), ...externals.index.values()].map(({ service }) => service)),
    workloads: servers.applyTo(tokens.applyTo(access.applyTo(workloads.byNodeId))),
    routes: withHashKeys(routes.configurations, traffic.hashKeys),
    destinations: routes.destinations,
    clusters,
    assignments: endpoints.assignments,
    usage: routes.usage,
    ...(settings.refusesUnknownHosts ? { refusesUnknownHosts: true } : {}),
  }
  const found = [
    workloadFaults,
    serviceFaults,
    endpoints.faults,
    backendTls.faults,
    traffic.faults,
    externals.faults,
    routes.faults,
    access.faults,
    tokens.faults,
    servers.faults,
  ]
  const faults = found.flat().sort(compareFaults)
  const statuses = [routes, modes, access, backendTls, traffic, externals, settings].flatMap((stage) => stage.statuses)
  const translation = keep(options.previous, { mesh, statuses, faults })
  stages.set(translation, { services, externals: externals.index, grants, routes })
  return translation
}

interface Stages {
  services: ServiceIndex
  externals: ExternalIndex
  grants: GrantIndex | undefined
  routes: ReadRoutes
}

/** What came between, kept as long as its outcome, so that the next pass repeats only what has changed. */
const stages = new WeakMap<Translation, Stages>()

function byHost(services: readonly Service[]): Map<string, Service> {
  return new Map(services.map((service) => [service.host, service]))
}

type Fresh<T> = { [K in keyof T]: T[K] extends ReadonlyMap<infer Key, infer V> ? Map<Key, V> : T[K] }

function keep(previous: Translation | undefined, next: Translation & { mesh: Fresh<Mesh> }): Translation {
  const translation: Translation = {
    mesh: keepMesh(previous?.mesh, next.mesh),
    statuses: keepList(previous?.statuses, next.statuses, ({ ref }) => formatObjectRef(ref)),
    faults: keepList(previous?.faults, next.faults, faultKey),
  }
  const isSame =
    previous?.mesh === translation.mesh &&
    previous.statuses === translation.statuses &&
    previous.faults === translation.faults
  return isSame ? previous : translation
}

function keepMesh(previous: Mesh | undefined, next: Fresh<Mesh>): Mesh {
  const mesh: Mesh = {
    services: keepMap(previous?.services, next.services),
    workloads: keepMap(previous?.workloads, next.workloads),
    routes: keepMap(previous?.routes, next.routes),
    destinations: keepMap(previous?.destinations, next.destinations),
    clusters: keepMap(previous?.clusters, next.clusters),
    assignments: keepMap(previous?.assignments, next.assignments),
    usage: keepMap(previous?.usage, next.usage),
    ...(next.refusesUnknownHosts ? { refusesUnknownHosts: true } : {}),
  }
  const names = [...Object.keys(mesh), 'refusesUnknownHosts'] as (keyof Mesh)[]
  return previous && names.every((name) => mesh[name] === previous[name]) ? previous : mesh
}

function faultKey({ object, code, field, message }: Fault): string {
  return [object, code, field, message].join('\n')
}
