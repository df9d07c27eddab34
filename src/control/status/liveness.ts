/** Where a user's object is in force: which proxies need it, and which of those have acknowledged it. */
import { outboundRouteName } from '#/control/publish/sidecar-listeners.ts'
import type { Condition, Mesh, ObjectStatus } from '#/model/mesh.ts'
import { formatObjectRef } from '#/model/object-ref.ts'
import type { KnownClient } from '#/xds/serve/ads-server.ts'

export interface Liveness {
  /** Proxies that have acknowledged every route configuration of the object that they hold. */
  live: number
  /** Proxies that hold one. */
  needed: number
}

/** @param names of the route configurations that the object stands in (`Mesh.usage`). */
export function livenessOf(clients: readonly KnownClient[], names: readonly string[]): Liveness {
  const outcome: Liveness = { live: 0, needed: 0 }
  for (const { isConnected, node, types } of clients) {
    if (!isConnected) continue
    const { sent, acknowledged } = types.route
    const namespace = node.metadata.namespace ?? node.id.split('.').pop() ?? ''
    const held = [...names, outboundRouteName(namespace)].filter((name) => sent.has(name))
    if (held.length === 0) continue
    outcome.needed++
    if (held.every((name) => sent.get(name) === acknowledged.get(name))) outcome.live++
  }
  return outcome
}

function programmed({ live, needed }: Liveness): Condition {
  const message =
    needed === 0
      ? 'no proxy calls this destination yet; the first that does gets it'
      : `live on ${live} of ${needed} ${needed === 1 ? 'proxy' : 'proxies'}`
  if (needed === 0) return { type: 'Programmed', status: 'True', reason: 'NoProxies', message }
  return {
    type: 'Programmed',
    status: live === needed ? 'True' : 'False',
    reason: live === needed ? 'Programmed' : 'Pending',
    message,
  }
}

/** Adds to every parent that accepted the object by how many proxies it is live (the `Programmed` condition). */
export function withLiveness(
  statuses: readonly ObjectStatus[],
  options: { mesh: Mesh; clients: readonly KnownClient[] },
): ObjectStatus[] {
  const { mesh, clients } = options
  return statuses.map((status) => {
    const names = mesh.usage.get(formatObjectRef(status.ref))
    if (!names) return status
    const condition = programmed(livenessOf(clients, names))
    const parents = status.parents.map((parent) => {
      const isAccepted = parent.conditions.some(({ type, status: value }) => type === 'Accepted' && value === 'True')
      return isAccepted ? { ...parent, conditions: [...parent.conditions, condition] } : parent
    })
    return { ...status, parents }
  })
}
