/** What a sidecar binds, and the clusters that only it has: from its workload (ARCHITECTURE.md, "Listeners"). */
import type { Cluster } from '#/model/cluster.ts'
import type { Listener } from '#/model/listener.ts'
import type { Mesh } from '#/model/mesh.ts'
import { routeNameFor } from '#/model/mesh.ts'
import type { VirtualHost } from '#/model/route.ts'
import type { Workload, WorkloadPort } from '#/model/workload.ts'

/** Of a connection to the application on the same host, ms. */
const applicationConnectTimeoutMs = 1000
export const inboundPort = 15006
export const outboundPort = 15001

function inboundName(port: WorkloadPort): string {
  return `inbound:${port.port}`
}

function inboundHost(port: WorkloadPort, domain: string): VirtualHost {
  const name = inboundName(port)
  return {
    name,
    domains: [domain],
    routes: [
      {
        name,
        match: { path: { type: 'prefix', value: '/' }, headers: [], query: [] },
        action: {
          type: 'forward',
          backends: [{ type: 'cluster', cluster: name, weight: 1 }],
          timeoutMs: 0,
          mirrors: [],
        },
      },
    ],
  }
}

/** The way to the application itself; the Service is the one whose endpoints it serves, for the metrics' labels. */
export function inboundClusters(workload: Workload, mesh: Mesh): Cluster[] {
  return workload.ports.map((port) => {
    const service = serviceOf(workload, port, mesh)
    return {
      name: inboundName(port),
      discovery: {
        type: 'static',
        endpoints: [
          {
            address: port.application.host,
            port: port.application.port,
            health: 'healthy',
            weight: 1,
            isMeshed: false,
            workload: identityOf(workload),
          },
        ],
      },
      loadBalancing: 'round-robin',
      connectTimeoutMs: applicationConnectTimeoutMs,
      protocol: 'http1',
      ...(service ? { service } : {}),
    }
  })
}

function identityOf({ namespace, workload, pod, serviceAccount, app, version }: Workload) {
  return { namespace, workload, pod, serviceAccount, app, version }
}

function serviceOf(workload: Workload, port: WorkloadPort, mesh: Mesh): Cluster['service'] {
  for (const [name, assignment] of mesh.assignments) {
    const isOurs = assignment.endpoints.some(
      (endpoint) =>
        endpoint.workload?.pod === workload.pod &&
        endpoint.workload.namespace === workload.namespace &&
        endpoint.port === port.inbound.port,
    )
    const service = isOurs ? mesh.clusters.get(name)?.service : undefined
    if (service) return service
  }
  return undefined
}

const listener = (part: Omit<Listener, 'isRedirected' | 'isLazy'> & Partial<Listener>): Listener => ({
  isRedirected: false,
  isLazy: false,
  ...part,
})

function inline(name: string, virtualHosts: readonly VirtualHost[]): Listener['target'] {
  return { type: 'routes', routes: { type: 'inline', configuration: { name, virtualHosts } } }
}

/** Redirected connections all arrive at one address; the port that they were made to is the one in the domain. */
function inboundListeners({ ports, isRedirected }: Workload): Listener[] {
  if (isRedirected) {
    const hosts = ports.map((port) => inboundHost(port, `*:${port.port}`))
    const address = { host: '0.0.0.0', port: inboundPort }
    return [
      listener({ name: 'inbound', address, direction: 'inbound', target: inline('inbound', hosts), isRedirected }),
    ]
  }
  return ports.map((port) => {
    const name = inboundName(port)
    return listener({
      name,
      address: port.inbound,
      direction: 'inbound',
      target: inline(name, [inboundHost(port, '*')]),
    })
  })
}

/** @param isOurs the client is our proxy: it takes destinations on demand; others get everything by name at once. */
export function sidecarListeners(workload: Workload, options: { mesh: Mesh; isOurs: boolean }): Listener[] {
  const { mesh, isOurs } = options
  const address = workload.outbound ?? { host: '127.0.0.1', port: outboundPort }
  const target: Listener['target'] = isOurs
    ? { type: 'on-demand' }
    : { type: 'routes', routes: { type: 'rds', name: outboundRouteName(workload.namespace) } }
  const explicit = Object.entries(workload.explicit).flatMap(([destination, at]) => {
    if (!mesh.clusters.has(destination)) return []
    const name = routeNameFor(mesh, destination, workload.namespace)
    return [
      listener({
        name: `explicit:${destination}`,
        address: at,
        direction: 'outbound',
        target: { type: 'routes', routes: { type: 'rds', name } },
        isLazy: isOurs,
      }),
    ]
  })
  return [
    ...inboundListeners(workload),
    listener({ name: 'outbound', address, direction: 'outbound', target, isRedirected: workload.isRedirected }),
    ...explicit,
  ]
}

/** All virtual hosts that a namespace may call, for clients that take no destination on demand. */
export function outboundRouteName(namespace: string): string {
  return `outbound@${namespace}`
}
