/** A destination beside its requests: what is spoken there, and where opaque bytes go. */
import type { ListenerProtocol, StreamRoute } from './listener.ts'

export interface Destination {
  /**
   * `formatDestination`: that of the route configuration for the same callers. A UDP port has no route configuration, and
   * `/udp` behind its number.
   */
  name: string
  /** What connections to it speak. `tcp`, `tls` and `udp` take no requests: the route configuration is not used. */
  protocol: ListenerProtocol
  /** Where opaque bytes go, the first that matches. Empty for `http`. */
  streams: readonly StreamRoute[]
}
