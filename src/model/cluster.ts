/** How a destination is called (Envoy: Cluster). */
import type { BreakerLimits, OutlierDetection } from './breaking.ts'
import type { LoadAssignment } from './endpoint.ts'
import type { ClientTls } from './tls.ts'

export type LoadBalancing = 'round-robin' | 'least-request' | 'random' | 'peak-ewma' | 'ring-hash' | 'maglev'

/**
 * Where the endpoints come from. `eds`: from the control plane under the cluster's `serviceName`. `static`: listed here.
 * `original-destination`: the address that the client dialled. `dynamic`: the request's own host, looked up in DNS.
 */
export type ClusterDiscovery =
  | { type: 'eds'; serviceName: string }
  | { type: 'static'; endpoints: LoadAssignment['endpoints'] }
  | { type: 'dns'; endpoints: LoadAssignment['endpoints'] }
  | { type: 'original-destination' }
  | { type: 'dynamic' }

export interface Cluster {
  name: string
  discovery: ClusterDiscovery
  loadBalancing: LoadBalancing
  /** Of the connection to an endpoint, ms, above 0. */
  connectTimeoutMs: number
  /** What is spoken to the endpoints. `downstream`: the version in which the request came. With TLS, what ALPN agrees on. */
  protocol: 'http1' | 'http2' | 'downstream'
  tls?: ClientTls
  /** For an Envoy: to those endpoints that take mutual TLS (transport_socket_matches). Our own proxy goes by the endpoint. */
  meshTls?: ClientTls
  /**
   * Connections begin with a PROXY protocol header that tells who the client is; those that carry the requests of many say
   * LOCAL (v2) or UNKNOWN (v1), and `x-forwarded-for` names each one's client.
   */
  proxyProtocol?: 'v1' | 'v2'
  breakers?: BreakerLimits
  outliers?: OutlierDetection
  /**
   * Where fewer of the ready endpoints than so many percent are not ejected, ejections are not believed: all get requests (Envoy:
   * healthy_panic_threshold). 0 for never. Absent: 50, as in Envoy.
   */
  panicPercent?: number
  /** The Service behind it, for metrics and the graph. Absent for what is not of the mesh. */
  service?: { namespace: string; name: string; host: string; port: number }
}
