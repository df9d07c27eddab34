/** What is true of the mesh: the outcome of translation, and all that serving, status and the dashboard need. */
import type { Cluster } from './cluster.ts'
import type { Destination } from './destination.ts'
import type { LoadAssignment } from './endpoint.ts'
import type { ObjectRef } from './object-ref.ts'
import type { RouteConfiguration } from './route.ts'
import type { Service } from './service.ts'
import type { Workload } from './workload.ts'

export interface Mesh {
  /** By full host name. */
  services: ReadonlyMap<string, Service>
  /** By node id. */
  workloads: ReadonlyMap<string, Workload>
  /** By name (`formatDestination`). Every port of every Service (UDP aside) has one, and one more for each namespace with consumer routes. */
  routes: ReadonlyMap<string, RouteConfiguration>
  /** By name. Every port of every Service has one, and one more for each namespace with consumer routes of any kind. */
  destinations: ReadonlyMap<string, Destination>
  /** By name; one for each port of each Service. */
  clusters: ReadonlyMap<string, Cluster>
  /** By cluster name. */
  assignments: ReadonlyMap<string, LoadAssignment>
  /**
   * Which route configurations (HTTPRoute, GRPCRoute) or destinations (TCPRoute, TLSRoute, UDPRoute) a user's object stands
   * in, for "live on N of M proxies". Key: `formatObjectRef`.
   */
  usage: ReadonlyMap<string, readonly string[]>
  /** Calls to hosts that nobody knows are refused (kind Mesh, `RegistryOnly`); absent: they go where they were going. */
  refusesUnknownHosts?: boolean
}

/** The name of the route configuration that a caller in `namespace` uses for a destination. */
export function routeNameFor(mesh: Mesh, destination: string, namespace: string): string {
  const consumer = `${destination}@${namespace}`
  return mesh.routes.has(consumer) ? consumer : destination
}

/** What a caller in `namespace` goes by when it connects to a destination. */
export function destinationFor(mesh: Mesh, destination: string, namespace: string): Destination | undefined {
  return mesh.destinations.get(`${destination}@${namespace}`) ?? mesh.destinations.get(destination)
}

/** A condition as Kubernetes spells it (metav1.Condition without the time, which the writer of the status adds). */
export interface Condition {
  type: string
  status: 'True' | 'False' | 'Unknown'
  reason: string
  message: string
}

/** What an object's status should say. */
export interface ObjectStatus {
  ref: ObjectRef
  /** One entry a parentRef of a route; a single entry without parent for other kinds. */
  parents: readonly { parent?: ObjectRef & { port?: number; sectionName?: string }; conditions: readonly Condition[] }[]
}
