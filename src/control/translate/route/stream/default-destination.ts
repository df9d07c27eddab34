/** A destination that no route of a user's stands before: its port's protocol, and opaque bytes go on as if there were no mesh. */
import type { Destination } from '#/model/destination.ts'
import { formatDestination, type Service, type ServicePort, transportOf } from '#/model/service.ts'
import { listenerProtocolOf } from '../../app-protocol.ts'

/** @param name that of the destination for the callers in question; the default is for all. */
export function defaultDestination(service: Service, port: ServicePort, name?: string): Destination {
  const protocol = listenerProtocolOf(port.protocol)
  const cluster = formatDestination({ host: service.host, port: port.port, transport: transportOf(port.protocol) })
  const streams =
    protocol === 'http'
      ? []
      : [{ name: 'default', serverNames: [], backends: [{ type: 'cluster' as const, cluster, weight: 1 }] }]
  return { name: name ?? cluster, protocol, streams }
}
