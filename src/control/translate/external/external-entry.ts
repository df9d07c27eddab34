/** One ExternalService → a Service of the model, and a cluster for each of its ports. */
import { isIP } from 'node:net'
import type { ExternalPort, ExternalService } from '#/api/external-service.ts'
import { rootNamespace } from '#/api/policy-target.ts'
import type { Resources, Sourced } from '#/control/source/resources.ts'
import type { Cluster, ClusterDiscovery } from '#/model/cluster.ts'
import type { ObjectRef } from '#/model/object-ref.ts'
import { type AppProtocol, formatDestination, type Service } from '#/model/service.ts'
import type { ClientTls } from '#/model/tls.ts'
import { upstreamProtocolOf } from '../app-protocol.ts'
import { readAuthorities, tlsTo } from '../backend-tls/authority.ts'
import type { Finding } from '../fault.ts'
import type { ClusterDefaults } from '../service.ts'

export interface ExternalEntry {
  ref: ObjectRef
  service: Service
  /** One a port. */
  clusters: readonly Cluster[]
  /** Every call goes to the host that it was made to, so that nobody else can send there. */
  isOfAnyHost: boolean
  findings: readonly Finding[]
}

const protocols = { HTTP: 'http', HTTP2: 'http2', GRPC: 'grpc', TLS: 'tls', TCP: 'tcp' } as const satisfies Record<
  ExternalPort['protocol'],
  AppProtocol
>

export interface ExternalOptions {
  resources: Resources
  defaults: ClusterDefaults
  /** Labels of all namespaces. */
  namespaces: ReadonlyMap<string, Readonly<Record<string, string>>>
}

export function readExternal({ value }: Sourced<ExternalService>, options: ExternalOptions): ExternalEntry {
  const { metadata, spec } = value
  const namespace = metadata.namespace ?? 'default'
  const { name } = metadata
  const [first] = spec.hosts
  // What one namespace says of a host is no other's business, so its names are apart.
  const host = namespace === rootNamespace ? first! : `${namespace}/${first}`
  const service: Service = {
    namespace,
    name,
    host,
    addresses: [],
    isHeadless: false,
    ports: spec.ports.map((port) => ({
      port: port.port,
      name: port.name ?? '',
      protocol: protocols[port.protocol],
    })),
    external: {
      hosts: spec.hosts,
      addresses: addressesOf(value),
      callers: callersOf(value, options.namespaces),
    },
  }
  const findings: Finding[] = []
  const clusters = spec.ports.map((port, index): Cluster => {
    const protocol = protocols[port.protocol]
    const { tls, isTrusted, findings: own } = tlsOf(value, { port, index }, options.resources)
    findings.push(...own)
    return {
      name: formatDestination({ host, port: port.port }),
      discovery: isTrusted ? discoveryOf(value, port) : { type: 'static', endpoints: [] },
      ...options.defaults,
      protocol: upstreamProtocolOf(protocol),
      ...(tls ? { tls } : {}),
      service: { namespace, name, host: first!, port: port.port },
    }
  })
  const isOfAnyHost = clusters.some(
    ({ discovery }) => discovery.type === 'dynamic' || discovery.type === 'original-destination',
  )
  return { ref: { kind: 'ExternalService', namespace, name }, service, clusters, isOfAnyHost, findings }
}

/** What a redirected connection to it is for, where that is known. */
function addressesOf({ spec }: ExternalService): string[] {
  const addresses = (spec.endpoints ?? []).map(({ address }) => address)
  return addresses.filter((address) => isIP(address) !== 0)
}

/** `kubernetes.io/metadata.name` is on every namespace of a cluster. */
function callersOf({ metadata, spec }: ExternalService, namespaces: ExternalOptions['namespaces']): 'all' | string[] {
  const { from, selector } = spec.allowedCallers?.namespaces ?? { from: 'Same' as const }
  if (from === 'All') return 'all'
  if (from === 'Same') return [metadata.namespace ?? 'default']
  const wanted = Object.entries(selector?.matchLabels ?? {})
  return [...namespaces].flatMap(([name, labels]) =>
    wanted.every(([key, value]) => (key === 'kubernetes.io/metadata.name' ? name : labels[key]) === value) ? name : [],
  )
}

function discoveryOf({ spec }: ExternalService, { port, targetPort = port }: ExternalPort): ClusterDiscovery {
  const { resolution = 'DNS', endpoints, hosts } = spec
  if (resolution === 'None') return { type: 'original-destination' }
  const isOneHost = hosts.length === 1 && !hosts[0]!.startsWith('*.')
  if (!endpoints && !isOneHost) return { type: 'dynamic' }
  const listed = (endpoints ?? [{ address: hosts[0]! }]).map((endpoint) => ({
    address: endpoint.address,
    port: endpoint.port ?? targetPort,
    health: 'healthy' as const,
    weight: 1,
    isMeshed: false,
  }))
  const isStatic = listed.every(({ address }) => isIP(address) !== 0)
  return { type: isStatic ? 'static' : 'dns', endpoints: listed }
}

interface OriginatedTls {
  tls?: ClientTls
  /** False: there is nobody whose word on its certificate is taken, and plain text is no way out. */
  isTrusted: boolean
  findings: readonly Finding[]
}

function tlsOf(
  { metadata, spec }: ExternalService,
  { port, index }: { port: ExternalPort; index: number },
  resources: Resources,
): OriginatedTls {
  const { tls } = port
  if (!tls) return { isTrusted: true, findings: [] }
  const namespace = metadata.namespace ?? 'default'
  const { trustedCa, problems } = readAuthorities(tls, { resources, namespace, field: `spec.ports[${index}].tls` })
  const findings = problems.map(({ finding }) => finding)
  if (!trustedCa) return { isTrusted: false, findings }
  const [first, ...others] = spec.hosts
  const hostname = tls.hostname ?? (others.length === 0 && !first!.startsWith('*.') ? first : undefined)
  return { tls: tlsTo(tls, { hostname, trustedCa, protocol: protocols[port.protocol] }), isTrusted: true, findings }
}
