/**
 * Mesh → snapshot. What all clients share (clusters, endpoints, route configurations) is encoded once a publish, and only
 * where it changed; what belongs to one client (its listeners, the way to its application) when that client first asks.
 */
import type { Mesh } from '#/model/mesh.ts'
import { routeNameFor } from '#/model/mesh.ts'
import type { RouteConfiguration, VirtualHost } from '#/model/route.ts'
import { formatDestination, type Service } from '#/model/service.ts'
import type { TrustSecret } from '#/model/trust-secret.ts'
import type { XdsNode } from '#/xds/node.ts'
import type { ResourceKind } from '#/xds/resources/resource.ts'
import type { EncodedResource, ResourceView, Snapshot } from '#/xds/serve/snapshot.ts'
import { callableNames, findCallable, freeDomains, servicesInOrder, unknownHosts } from './callable-name.ts'
import { destinationListener, requestListener } from './destination-listener.ts'
import { directCluster, directListener, isDirect } from './direct-address.ts'
import { EncodedTable, encodeResource } from './encoded-table.ts'
import { hasAgent, MeshClusters } from './mesh-cluster.ts'
import { ServedPorts } from './served-port.ts'
import { inboundClusters, outboundRouteName, sidecarListeners } from './sidecar-listeners.ts'

type Tables = Record<Exclude<ResourceKind, 'listener'>, ReadonlyMap<string, EncodedResource>>

/** The name by which our own proxy introduces itself (`user_agent_name`). */
export const ownUserAgent = 'weft'

export class Publisher {
  readonly #tables = {
    secret: new EncodedTable('secret'),
    cluster: new EncodedTable('cluster'),
    assignment: new EncodedTable('assignment'),
    route: new EncodedTable('route'),
  }
  #version = 0
  #served: ServedPorts | undefined

  /** @param secrets by name; roots that are trusted, for all. */
  publish(mesh: Mesh, secrets: ReadonlyMap<string, TrustSecret> = new Map()): Snapshot {
    if (!this.#served?.isTrueOf(mesh)) this.#served = new ServedPorts(mesh)
    const tables: Tables = {
      secret: this.#tables.secret.update(secrets),
      cluster: this.#tables.cluster.update(mesh.clusters),
      assignment: this.#tables.assignment.update(mesh.assignments),
      route: this.#tables.route.update(mesh.routes),
    }
    return new PublishedSnapshot({ version: ++this.#version, mesh, tables, served: this.#served })
  }
}

class PublishedSnapshot implements Snapshot {
  readonly version: number
  readonly #mesh: Mesh
  readonly #tables: Tables
  readonly #views = new Map<string, ResourceView>()
  readonly #destinations = new Map<string, Map<string, string>>()
  readonly #served: ServedPorts
  readonly #meshClusters: MeshClusters

  constructor(options: { version: number; mesh: Mesh; tables: Tables; served: ServedPorts }) {
    this.version = options.version
    this.#mesh = options.mesh
    this.#tables = options.tables
    this.#served = options.served
    this.#meshClusters = new MeshClusters(options.mesh, options.tables.cluster)
  }

  view(node: XdsNode): ResourceView {
    const key = `${node.id}\0${node.userAgent}\0${node.metadata.namespace ?? ''}\0${hasAgent(node)}`
    let view = this.#views.get(key)
    if (!view) {
      view = new NodeView({
        node,
        mesh: this.#mesh,
        tables: this.#tables,
        served: this.#served,
        meshClusters: this.#meshClusters,
        destinations: (namespace) => this.#destinationsFor(namespace),
      })
      this.#views.set(key, view)
    }
    return view
  }

  /** `ALIAS:PORT` → destination, for callers of a namespace. */
  #destinationsFor(namespace: string): ReadonlyMap<string, string> {
    let found = this.#destinations.get(namespace)
    if (found) return found
    found = callableNames(this.#mesh, namespace)
    this.#destinations.set(namespace, found)
    return found
  }
}

interface NodeViewOptions {
  node: XdsNode
  mesh: Mesh
  tables: Tables
  served: ServedPorts
  meshClusters: MeshClusters
  destinations: (namespace: string) => ReadonlyMap<string, string>
}

class NodeView implements ResourceView {
  readonly #options: NodeViewOptions
  readonly #namespace: string
  readonly #isOurs: boolean
  /** Of this client alone. */
  readonly #own: Record<ResourceKind, Map<string, EncodedResource>> = {
    secret: new Map(),
    cluster: new Map(),
    assignment: new Map(),
    listener: new Map(),
    route: new Map(),
  }

  constructor(options: NodeViewOptions) {
    this.#options = options
    const { node, mesh, served } = options
    const workload = mesh.workloads.get(node.id)
    this.#namespace = workload?.namespace ?? node.metadata.namespace ?? node.id.split('.').pop() ?? ''
    this.#isOurs = node.userAgent === ownUserAgent
    if (workload) {
      for (const cluster of inboundClusters(workload, served))
        this.#own.cluster.set(cluster.name, encodeResource('cluster', cluster))
      for (const listener of sidecarListeners(workload, { mesh, served, isOurs: this.#isOurs }))
        this.#own.listener.set(listener.name, encodeResource('listener', listener))
    }
    if (mesh.refusesUnknownHosts) this.#own.cluster.set(directCluster.name, encodeResource('cluster', directCluster))
    if (!this.#isOurs) {
      const outbound = outboundRoutes(mesh, this.#namespace)
      this.#own.route.set(outbound.name, encodeResource('route', outbound))
    }
  }

  find(kind: ResourceKind, asked: string, isExact = false): EncodedResource | undefined {
    const own = this.#own[kind].get(asked)
    if (own) return own
    if (kind === 'cluster') return this.#clusters.get(asked)
    if (kind !== 'listener') return this.#options.tables[kind].get(asked)
    return this.#destinationListener(asked, isExact)
  }

  *all(kind: ResourceKind): Iterable<EncodedResource> {
    for (const [name, resource] of this.#own[kind]) if (!name.startsWith('on-demand ')) yield resource
    if (kind === 'cluster') yield* this.#clusters.values()
  }

  get #clusters(): ReadonlyMap<string, EncodedResource> {
    const { node, tables, meshClusters } = this.#options
    return !this.#isOurs && hasAgent(node) ? meshClusters.all : tables.cluster
  }

  /** A destination as a listener that is only looked up (docs/decisions/0002-on-demand-listeners.md). */
  #destinationListener(asked: string, isExact: boolean): EncodedResource | undefined {
    const destination = findCallable(this.#options.destinations(this.#namespace), asked)
    if (destination === undefined) return this.#directListener(asked, isExact)
    const name = isExact ? asked : destination
    const key = `on-demand ${name}`
    let resource = this.#own.listener.get(key)
    if (!resource) {
      const make = this.#isOurs ? destinationListener : requestListener
      const listener = make(this.#options.mesh, { destination, namespace: this.#namespace })
      if (!listener) return undefined
      resource = encodeResource('listener', { ...listener, name })
      this.#own.listener.set(key, resource)
    }
    return resource
  }

  #directListener(asked: string, isExact: boolean): EncodedResource | undefined {
    if (!this.#isOurs || !isDirect(this.#options.mesh, asked)) return undefined
    return encodeResource('listener', isExact ? { ...directListener, name: asked } : directListener)
  }
}

/** Every destination as a virtual host under all names that callers of the namespace may use. */
function outboundRoutes(mesh: Mesh, namespace: string): RouteConfiguration {
  const virtualHosts: VirtualHost[] = []
  const taken = new Set<string>()
  for (const service of servicesInOrder(mesh, namespace))
    for (const { port } of service.ports) virtualHosts.push(...hostOf(mesh, { service, port, namespace, taken }))
  if (mesh.refusesUnknownHosts) virtualHosts.push(unknownHosts)
  return { name: outboundRouteName(namespace), virtualHosts }
}

function hostOf(
  mesh: Mesh,
  options: { service: Service; port: number; namespace: string; taken: Set<string> },
): VirtualHost[] {
  const { service, port, namespace } = options
  const destination = formatDestination({ host: service.host, port })
  const routes = mesh.routes.get(routeNameFor(mesh, destination, namespace))
  const domains = routes ? freeDomains(service, options) : []
  if (!routes || domains.length === 0) return []
  return [{ name: destination, domains, routes: routes.virtualHosts.flatMap((host) => host.routes) }]
}
