/** A destination as a listener: where its requests go, and its opaque bytes. */
import type { Listener } from '#/model/listener.ts'
import { destinationFor, type Mesh, routeNameFor } from '#/model/mesh.ts'

/**
 * Without an address: only looked up by name (docs/decisions/0002-on-demand-listeners.md).
 * @param options.namespace of the caller.
 * @returns undefined when there is no such destination.
 */
export function destinationListener(
  mesh: Mesh,
  options: { destination: string; namespace: string },
): Listener | undefined {
  const { destination, namespace } = options
  const found = destinationFor(mesh, destination, namespace)
  if (!found) return undefined
  const { protocol, streams } = found
  const takesRequests = protocol === 'http' || protocol === 'auto'
  return {
    name: destination,
    direction: 'outbound',
    ...(protocol === 'http' ? {} : { protocol }),
    target: takesRequests
      ? { type: 'routes', routes: { type: 'rds', name: routeNameFor(mesh, destination, namespace) } }
      : { type: 'streams' },
    ...(streams.length > 0 ? { streams } : {}),
    isRedirected: false,
    isLazy: false,
  }
}

/** The same for a client that knows requests only (gRPC without a proxy): whatever the port says, it is gRPC that it calls. */
export function requestListener(mesh: Mesh, options: { destination: string; namespace: string }): Listener {
  const { destination, namespace } = options
  return {
    name: destination,
    direction: 'outbound',
    target: { type: 'routes', routes: { type: 'rds', name: routeNameFor(mesh, destination, namespace) } },
    isRedirected: false,
    isLazy: false,
  }
}
