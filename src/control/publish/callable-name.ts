/** Under which names what can be called is called, by workloads of a namespace. */
import { coveringHosts } from '#/model/external-reach.ts'
import type { Mesh } from '#/model/mesh.ts'
import type { Route, VirtualHost } from '#/model/route.ts'
import { formatDestination, type Service, serviceAliases } from '#/model/service.ts'
import { formatHostPort, parseHostPort } from '#/std/host-port.ts'

/**
 * In the order in which a name is theirs: Services, what the namespace itself says of the outside, what is said for several. Nobody
 * outside can have the name of a Service.
 */
export function servicesInOrder(mesh: Mesh, namespace: string): Service[] {
  const rank = ({ external, namespace: own }: Service): number => (!external ? 0 : own === namespace ? 1 : 2)
  return [...mesh.services.values()].sort((a, b) => rank(a) - rank(b))
}

/** `ALIAS:PORT` → destination; wildcards as `*.suffix:PORT`. */
export function callableNames(mesh: Mesh, namespace: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const service of servicesInOrder(mesh, namespace)) {
    for (const { port } of service.ports) {
      const destination = formatDestination({ host: service.host, port })
      if (!mesh.routes.has(destination)) continue
      for (const alias of serviceAliases(service, namespace)) {
        const name = formatHostPort({ host: alias, port })
        if (!found.has(name)) found.set(name, destination)
      }
    }
  }
  return found
}

/** @param asked `host:port`. The longest name that covers it counts. */
export function findCallable(names: ReadonlyMap<string, string>, asked: string): string | undefined {
  const exact = names.get(asked)
  if (exact !== undefined) return exact
  const parsed = parseHostPort(asked)
  if (!parsed) return undefined
  for (const host of coveringHosts(parsed.host)) {
    const destination = names.get(formatHostPort({ host, port: parsed.port }))
    if (destination !== undefined) return destination
  }
  return undefined
}

/** Domains of a virtual host, less those that are taken: Envoy refuses a configuration that has one twice. */
export function freeDomains(
  service: Service,
  place: { port: number; namespace: string; taken: Set<string> },
): string[] {
  const { port, namespace, taken } = place
  const domains = serviceAliases(service, namespace).flatMap((alias) =>
    port === 80 ? [alias, `${alias}:80`] : [`${alias}:${port}`],
  )
  const free = domains.filter((domain) => !taken.has(domain))
  for (const domain of free) taken.add(domain)
  return free
}

const ofAnyHost = new WeakMap<Mesh['clusters'], boolean>()

/** Some ExternalService goes to the host of each call. */
export function callsAnyHost({ clusters }: Mesh): boolean {
  let found = ofAnyHost.get(clusters)
  if (found === undefined) {
    found = clusters.values().some(({ discovery }) => discovery.type === 'dynamic')
    ofAnyHost.set(clusters, found)
  }
  return found
}

/** For clients that can't be told to refuse what nobody knows: everything else goes here (kind Mesh, `RegistryOnly`). */
export const unknownHosts: VirtualHost = {
  name: 'unknown',
  domains: ['*'],
  routes: [
    {
      name: 'unknown',
      match: { path: { type: 'prefix', value: '/' }, headers: [], query: [] },
      action: {
        type: 'respond',
        status: 502,
        body: 'host_unknown: the host is neither a Service nor an ExternalService.\n',
      },
      responseHeaders: {
        set: [{ name: 'weft-detail', value: 'host_unknown; neither a Service nor an ExternalService' }],
        add: [],
        remove: [],
      },
    } satisfies Route,
  ],
}
