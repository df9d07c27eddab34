/** What Services say about the ports of workloads: whose endpoints they are, and what is spoken there. */
import type { Cluster } from '#/model/cluster.ts'
import type { ListenerProtocol } from '#/model/listener.ts'
import type { Mesh } from '#/model/mesh.ts'
import { type AppProtocol, type Transport, transportOf } from '#/model/service.ts'
import type { Workload, WorkloadPort } from '#/model/workload.ts'
import { appProtocolOf, listenerProtocolOf, upstreamProtocolOf } from '../translate/app-protocol.ts'

export interface ServedPort {
  protocol: ListenerProtocol
  /** How the application is spoken to, where requests come. */
  upstream: Cluster['protocol']
  /** The first Service whose endpoint it is, for the metrics' labels. */
  service?: NonNullable<Cluster['service']>
}

interface Claim {
  service: NonNullable<Cluster['service']>
  protocol: AppProtocol
}

/** Made once for all sidecars, and again only when Services or endpoints changed. */
export class ServedPorts {
  readonly #mesh: Pick<Mesh, 'services' | 'clusters' | 'assignments'>
  readonly #claims = new Map<string, Claim[]>()

  constructor(mesh: Mesh) {
    this.#mesh = { services: mesh.services, clusters: mesh.clusters, assignments: mesh.assignments }
    for (const [name, { endpoints }] of mesh.assignments) {
      const { service, tls } = mesh.clusters.get(name) ?? {}
      // Who ends TLS behind the sidecar (BackendTLSPolicy) gets it as it comes.
      const protocol = tls ? 'tls' : service && protocolOf(mesh, name, service)
      if (!service || !protocol) continue
      for (const { workload, port } of endpoints) {
        if (!workload) continue
        const key = keyOf(workload, port, transportOf(protocol))
        const claims = this.#claims.get(key)
        if (claims) claims.push({ service, protocol })
        else this.#claims.set(key, [{ service, protocol }])
      }
    }
  }

  /** Made of the same Services and endpoints. */
  isTrueOf({ services, clusters, assignments }: Mesh): boolean {
    const made = this.#mesh
    return made.services === services && made.clusters === clusters && made.assignments === assignments
  }

  /** What no Service tells the port's own name may. */
  of(workload: Workload, port: WorkloadPort): ServedPort {
    const { transport = 'tcp', name, inbound } = port
    const claims = this.#claims.get(keyOf(workload, inbound.port, transport)) ?? []
    const said = new Set<AppProtocol>(claims.map(({ protocol }) => protocol).filter((protocol) => protocol !== 'auto'))
    if (said.size === 0) said.add(appProtocolOf({ name, protocol: transport.toUpperCase() }))
    const first = claims[0]
    return {
      protocol: only(said, listenerProtocolOf) ?? 'auto',
      upstream: only(said, upstreamProtocolOf) ?? 'downstream',
      ...(first ? { service: first.service } : {}),
    }
  }
}

function keyOf({ namespace, pod }: { namespace: string; pod: string }, port: number, transport: Transport): string {
  return `${namespace}/${pod} ${port} ${transport}`
}

function protocolOf(mesh: Mesh, name: string, service: NonNullable<Cluster['service']>): AppProtocol | undefined {
  const ports = mesh.services.get(service.host)?.ports ?? []
  const transport: Transport = name.endsWith('/udp') ? 'udp' : 'tcp'
  return ports.find(({ port, protocol }) => port === service.port && transportOf(protocol) === transport)?.protocol
}

/** What all of them come to; undefined when Services contradict one another. */
function only<T>(said: ReadonlySet<AppProtocol>, read: (protocol: AppProtocol) => T): T | undefined {
  const found = new Set([...said].map(read))
  return found.size === 1 ? [...found][0] : undefined
}
