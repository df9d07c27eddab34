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
  /** Of those, the ones whose last answer about routes was a refusal. */
  rejected: readonly { node: string; message: string }[]
}

/** @param names of the route configurations that the object stands in (`Mesh.usage`). */
export function livenessOf(clients: readonly KnownClient[], names: readonly string[]): Liveness {
  const rejected: { node: string; message: string }[] = []
  let live = 0
  let needed = 0
  for (const { isConnected, node, types } of clients) {
    if (!isConnected) continue
    const { sent, acknowledged, nack } = types.route
    const namespace = node.metadata.namespace ?? node.id.split('.').pop() ?? ''
    const held = [...names, ...outboundRoutes(names, namespace)].filter((name) => sent.has(name))
    if (held.length === 0) continue
    needed++
    if (held.every((name) => sent.get(name) === acknowledged.get(name))) live++
    else if (nack) rejected.push({ node: node.id, message: nack.message })
  }
  return { live, needed, rejected }
}

/** Clients that take nothing on demand hold all routes of their namespace in one; a consumer's route only in its own. */
function outboundRoutes(names: readonly string[], namespace: string): string[] {
  const isThere = names.some((name) => !name.includes('@') || name.endsWith(`@${namespace}`))
  return isThere ? [outboundRouteName(namespace)] : []
}

/** Reasons: those of Gateway API's own `Programmed` (`Programmed`, `Pending`, `Invalid`), and `NoProxies`. */
function programmed({ live, needed, rejected }: Liveness): Condition {
  const type = 'Programmed'
  if (needed === 0) {
    const message = 'no proxy calls this destination yet; the first that does gets it'
    return { type, status: 'True', reason: 'NoProxies', message }
  }
  const message = `live on ${live} of ${needed} ${needed === 1 ? 'proxy' : 'proxies'}`
  if (live === needed) return { type, status: 'True', reason: 'Programmed', message }
  const [first] = rejected
  if (!first) return { type, status: 'False', reason: 'Pending', message }
  const others = rejected.length > 1 ? ` (and ${rejected.length - 1} more)` : ''
  return {
    type,
    status: 'False',
    reason: 'Invalid',
    message: `${message}; ${first.node}${others} rejected it: ${first.message}`,
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
