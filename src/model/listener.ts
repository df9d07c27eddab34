/** Where a proxy takes connections (Envoy: Listener). */
import type { HostPort } from '#/std/host-port.ts'
import type { RouteConfiguration } from './route.ts'

export type TrafficDirection = 'inbound' | 'outbound'

/**
 * How a connection finds its destination.
 * `routes`: by the route configuration here.
 * `on-demand`: by the request's host and port, or by the original destination of a redirected connection. The proxy
 * asks for the listener named `host:port` when it first needs it, and forgets it when it has been idle.
 */
export type ListenerTarget = { type: 'routes'; routes: RouteSource } | { type: 'on-demand' }

/** Named ones come from the control plane (RDS), inline ones stand in the listener. */
export type RouteSource = { type: 'rds'; name: string } | { type: 'inline'; configuration: RouteConfiguration }

export interface Listener {
  name: string
  /** Where to bind. Absent for a destination that is only looked up by name (Envoy: ApiListener). */
  address?: HostPort
  direction: TrafficDirection
  target: ListenerTarget
  /** Connections arrive by redirection: the kernel is asked what they were for. */
  isRedirected: boolean
  /** Fetch the route configuration when the first connection comes, not at once. */
  isLazy: boolean
}
