/** A name that requests are sent to. */
import { type ExternalReach, mayCall } from './external-reach.ts'

/** What a port speaks, from `appProtocol` and the port's name; `auto` is found out from the first bytes. */
export type AppProtocol = 'auto' | 'http' | 'http2' | 'grpc' | 'ws' | 'tcp' | 'tls' | 'udp'

/** What carries a port's bytes. */
export type Transport = 'tcp' | 'udp'

export function transportOf(protocol: AppProtocol): Transport {
  return protocol === 'udp' ? 'udp' : 'tcp'
}

export interface ServicePort {
  port: number
  name: string
  protocol: AppProtocol
}

export interface Service {
  namespace: string
  name: string
  /** The full name, `reviews.shop.svc.cluster.local`. */
  host: string
  /** Addresses of the Service itself (`clusterIPs`), empty when headless. */
  addresses: readonly string[]
  isHeadless: boolean
  ports: readonly ServicePort[]
  /** It is outside the mesh; its `host` is unique, but not what it is called by. */
  external?: ExternalReach
}

/** The domain of the cluster; every Service's full name ends in it. */
export const clusterDomain = 'cluster.local'

export function formatServiceHost(service: { namespace: string; name: string }): string {
  return `${service.name}.${service.namespace}.svc.${clusterDomain}`
}

/**
 * The one name that a destination has in every xDS type: listener, route configuration, cluster and load assignment of
 * port 80 of Service reviews in namespace shop are all called `reviews.shop.svc.cluster.local:80`. A route configuration
 * that holds consumer routes of one namespace has that namespace behind an `@`. A UDP port is another than the TCP port of
 * the same number (DNS has both): `dns.shop.svc.cluster.local:53/udp`.
 */
export function formatDestination(options: {
  host: string
  port: number
  /** Default `tcp`. */
  transport?: Transport
  consumerNamespace?: string
}): string {
  const { host, port, transport = 'tcp', consumerNamespace } = options
  return `${host}:${port}${transport === 'udp' ? '/udp' : ''}${consumerNamespace ? `@${consumerNamespace}` : ''}`
}

/**
 * Every name under which a caller in `callerNamespace` may call the Service, the full one first:
 * `reviews.shop.svc.cluster.local`, `reviews.shop.svc`, `reviews.shop`, `reviews` (same namespace only), and its addresses.
 */
export function serviceAliases(service: Service, callerNamespace: string): string[] {
  const { namespace, name, host, addresses, external } = service
  if (external) return mayCall(external, callerNamespace) ? [...external.hosts, ...external.addresses] : []
  const short = namespace === callerNamespace ? [name] : []
  return [host, `${name}.${namespace}.svc`, `${name}.${namespace}`, ...short, ...addresses]
}
