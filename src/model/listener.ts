/** Where a proxy takes connections (Envoy: Listener). */
import type { HostPort } from '#/std/host-port.ts'
import type { AccessRules } from './access.ts'
import type { HttpFilters } from './http-filter.ts'
import type { MutualTls } from './mutual-tls.ts'
import type { RuleRef } from './object-ref.ts'
import type { PathRules } from './path-rules.ts'
import type { RouteConfiguration } from './route.ts'
import type { ServerTls } from './tls.ts'

export type TrafficDirection = 'inbound' | 'outbound'

/**
 * How a connection finds its destination.
 * `routes`: by the route configuration here.
 * `streams`: it takes no requests, only opaque bytes.
 * `on-demand`: by the request's host and port, or by the original destination of a redirected connection. The proxy
 * asks for the listener named `host:port` when it first needs it, and forgets it when it has been idle. What nobody knows goes
 * where the proxy's own setting says, or is refused.
 */
export type ListenerTarget =
  | { type: 'routes'; routes: RouteSource }
  | { type: 'on-demand'; refusesUnknown?: boolean }
  | { type: 'streams' }

/**
 * What connections speak. `http`: any version, told apart by the preface, or by ALPN under TLS. `tcp`: opaque bytes.
 * `tls`: TLS that is passed through, routed by SNI. `auto`: found out from the first bytes, of whichever side speaks first.
 * `udp`: datagrams.
 */
export type ListenerProtocol = 'http' | 'tcp' | 'tls' | 'auto' | 'udp'

/** Where opaque bytes go (Gateway API: a rule of a TCPRoute, TLSRoute or UDPRoute). */
export interface StreamRoute {
  /** For logs: `TCPRoute/shop/db rule 0`. */
  name: string
  /** SNI names, exact or `*.suffix`; empty for every connection, with TLS or without. */
  serverNames: readonly string[]
  /**
   * Only connections that were made to this port (Envoy: `destination_port`), where they are redirected; absent for any.
   * A redirected port with streams and no virtual host `*:PORT` takes no requests, whatever its bytes look like.
   */
  port?: number
  /** Weights of 0 get nothing; an `invalid` one has its share of connections closed. Never empty. */
  backends: readonly StreamBackend[]
  /** Who may connect; what can't be told of a connection is not in them (Envoy: network RBAC). */
  access?: AccessRules
  /** The user's rule that this comes from. Absent for what Weft adds itself. */
  rule?: RuleRef
}

export type StreamBackend = { weight: number } & (
  | { type: 'cluster'; cluster: string }
  | { type: 'invalid'; reason: string }
)

/** Named ones come from the control plane (RDS), inline ones stand in the listener. */
export type RouteSource = { type: 'rds'; name: string } | { type: 'inline'; configuration: RouteConfiguration }

export interface Listener {
  name: string
  /** Where to bind. Absent for a destination that is only looked up by name (Envoy: ApiListener). */
  address?: HostPort
  direction: TrafficDirection
  /** Absent: `http`. */
  protocol?: ListenerProtocol
  target: ListenerTarget
  /** Where opaque bytes go, the first that matches. Absent or empty: nowhere. */
  streams?: readonly StreamRoute[]
  /** What is asked of requests before they are routed. */
  filters?: HttpFilters
  /** Done to the paths of requests before all else; absent: nothing. */
  paths?: PathRules
  /** Connections are TLS, ended here. */
  tls?: ServerTls
  /** Connections of other sidecars are mutual TLS, by the proxy's own certificate and the roots of the mesh; absent: all are plain. */
  mutualTls?: MutualTls
  /** Connections begin with a PROXY protocol header, v1 or v2; one without is refused. */
  acceptsProxyProtocol?: boolean
  /** Connections arrive by redirection: the kernel is asked what they were for. */
  isRedirected: boolean
  /** Fetch the route configuration when the first connection comes, not at once. */
  isLazy: boolean
}
