/** What a sidecar binds, and the clusters that only it has: from its workload (ARCHITECTURE.md, "Listeners"). */
import type { Cluster } from '#/model/cluster.ts'
import type { Listener, StreamRoute } from '#/model/listener.ts'
import type { Mesh } from '#/model/mesh.ts'
import { plainPaths } from '#/model/path-rules.ts'
import type { VirtualHost } from '#/model/route.ts'
import type { Workload, WorkloadPort } from '#/model/workload.ts'
import { looksAtPaths, ofConnection } from '../translate/access/condition.ts'
import { callsAnyHost } from './callable-name.ts'
import { destinationListener } from './destination-listener.ts'
import type { ServedPort, ServedPorts } from './served-port.ts'

/** Of a connection to the application on the same host, ms. */
const applicationConnectTimeoutMs = 1000
export const inboundPort = 15006
export const outboundPort = 15001

/** `inbound:8080`, `inbound:53/udp`. */
function inboundName({ port, transport }: WorkloadPort): string {
  return `inbound:${port}${transport === 'udp' ? '/udp' : ''}`
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

function inboundStream(port: WorkloadPort): StreamRoute {
  const name = inboundName(port)
  const access = port.access && ofConnection(port.access)
  const backends = [{ type: 'cluster', cluster: name, weight: 1 }] as const
  return { name, serverNames: [], backends, ...(access ? { access } : {}) }
}

/** The way to the application itself; the Service is the one whose endpoints it serves, for the metrics' labels. */
export function inboundClusters(workload: Workload, served: ServedPorts): Cluster[] {
  return takenPorts(workload).map((port) => {
    const { upstream, service } = served.of(workload, port)
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
      protocol: upstream,
      ...(service ? { service } : {}),
    }
  })
}

function identityOf({ namespace, workload, pod, serviceAccount, app, version }: Workload) {
  return { namespace, workload, pod, serviceAccount, app, version }
}

/** The kernel redirects TCP alone: datagrams come to the application past its sidecar. */
function takenPorts({ ports, isRedirected }: Workload): readonly WorkloadPort[] {
  return isRedirected ? ports.filter(({ transport }) => transport !== 'udp') : ports
}

const takesRequests = ({ protocol }: ServedPort): boolean => protocol === 'http' || protocol === 'auto'
const takesStreams = ({ protocol }: ServedPort): boolean => protocol !== 'http'

function inline(name: string, virtualHosts: readonly VirtualHost[]): Listener['target'] {
  return { type: 'routes', routes: { type: 'inline', configuration: { name, virtualHosts } } }
}

/** Absent where the sidecar has no identity, and for datagrams. */
function mutualTlsOf({ mutualTls }: WorkloadPort): Pick<Listener, 'mutualTls'> {
  return mutualTls ? { mutualTls: { mode: mutualTls } } : {}
}

/** One mode for all, and the ports that differ. */
function mutualTlsOfAll({ hasIdentity }: Workload, ports: readonly WorkloadPort[]): Pick<Listener, 'mutualTls'> {
  if (!hasIdentity) return {}
  const mode = ports[0]?.mutualTls ?? 'permissive'
  const others = ports.filter(({ mutualTls }) => mutualTls !== undefined && mutualTls !== mode)
  const differing = Object.fromEntries(others.map(({ port, mutualTls }) => [port, mutualTls!]))
  return { mutualTls: { mode, ...(others.length > 0 ? { ports: differing } : {}) } }
}

/** Where paths decide they are made plain before. */
function filtersOf(
  { jwt, externalAuthorization }: Workload,
  access: WorkloadPort['access'],
): Pick<Listener, 'filters' | 'paths'> {
  if (!jwt && !access && !externalAuthorization) return {}
  const filters = {
    ...(jwt ? { jwt } : {}),
    ...(access ? { access } : {}),
    ...(externalAuthorization ? { externalAuthorization } : {}),
  }
  return { filters, ...(access && looksAtPaths(access) ? { paths: plainPaths } : {}) }
}

function inboundListeners(workload: Workload, served: ServedPorts): Listener[] {
  if (workload.isRedirected) return [redirectedInbound(workload, served)]
  return workload.ports.map((port): Listener => {
    const name = inboundName(port)
    const spoken = served.of(workload, port)
    return {
      name,
      address: port.inbound,
      direction: 'inbound',
      ...(spoken.protocol === 'http' ? {} : { protocol: spoken.protocol }),
      target: takesRequests(spoken) ? inline(name, [inboundHost(port, '*')]) : { type: 'streams' },
      ...(takesStreams(spoken) ? { streams: [inboundStream(port)] } : {}),
      ...(takesRequests(spoken) ? filtersOf(workload, port.access) : {}),
      ...mutualTlsOf(port),
      isRedirected: false,
      isLazy: false,
    }
  })
}

/**
 * Redirected connections all arrive at one address: the port that they were made to is the one in a virtual host's domain and
 * in a stream route. Ports that speak nothing but HTTP spare all others the detection.
 */
function redirectedInbound(workload: Workload, served: ServedPorts): Listener {
  const ports = takenPorts(workload).map((port) => ({ port, spoken: served.of(workload, port) }))
  const hosts = ports
    .filter(({ spoken }) => takesRequests(spoken))
    .map(({ port }) => inboundHost(port, `*:${port.port}`))
  const streams = ports
    .filter(({ spoken }) => takesStreams(spoken))
    .map(({ port }) => ({ ...inboundStream(port), port: port.port }))
  return {
    name: 'inbound',
    address: { host: '0.0.0.0', port: inboundPort },
    direction: 'inbound',
    ...(streams.length > 0 ? { protocol: 'auto', streams } : {}),
    target: inline('inbound', hosts),
    ...filtersOf(workload, workload.access),
    ...mutualTlsOfAll(workload, takenPorts(workload)),
    isRedirected: true,
    isLazy: false,
  }
}

/** @param options.isOurs the client is our proxy: it takes destinations on demand; others get everything by name at once. */
export function sidecarListeners(
  workload: Workload,
  options: { mesh: Mesh; served: ServedPorts; isOurs: boolean },
): Listener[] {
  const { mesh, served, isOurs } = options
  const { namespace, isRedirected } = workload
  const address = workload.outbound ?? { host: '127.0.0.1', port: outboundPort }
  const target: Listener['target'] = isOurs
    ? { type: 'on-demand', ...(mesh.refusesUnknownHosts ? { refusesUnknown: true } : {}) }
    : { type: 'routes', routes: { type: 'rds', name: outboundRouteName(namespace) } }
  const filters = !isOurs && callsAnyHost(mesh) ? { filters: { dynamicHosts: true } } : {}
  const explicit = Object.entries(workload.explicit).flatMap(([destination, at]) => {
    const listener = destinationListener(mesh, { destination, namespace })
    return listener ? [{ ...listener, name: `explicit:${destination}`, address: at, isLazy: isOurs }] : []
  })
  const all: Listener[] = [
    ...inboundListeners(workload, served),
    { name: 'outbound', address, direction: 'outbound', target, ...filters, isRedirected, isLazy: false },
    ...explicit,
  ]
  // Envoy's form of datagrams is another one, and one listener that it can't take would cost it all others.
  return isOurs ? all : all.filter(({ protocol }) => protocol !== 'udp')
}

/** All virtual hosts that a namespace may call, for clients that take no destination on demand. */
export function outboundRouteName(namespace: string): string {
  return `outbound@${namespace}`
}
