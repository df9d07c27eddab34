/** Where a user's object is in force: which proxies need it, and which of those have acknowledged it. */
import { outboundRouteName } from '#/control/publish/sidecar-listeners.ts'
import type { Condition, Mesh, ObjectStatus } from '#/model/mesh.ts'
import { formatObjectRef, type ObjectRef } from '#/model/object-ref.ts'
import type { KnownClient } from '#/xds/serve/ads-server.ts'

export interface Liveness {
  /** Proxies that have acknowledged everything of the object that they hold: route configurations, or listeners. */
  live: number
  /** Proxies that hold one. */
  needed: number
  /** Of those, the ones whose last answer about routes was a refusal. */
  rejected: readonly { node: string; message: string }[]
}

/** @param user an object that routes something, and what it stands in (`Mesh.usage`). */
export function livenessOf(
  clients: readonly KnownClient[],
  user: { ref: ObjectRef; names: readonly string[] },
): Liveness {
  const rejected: { node: string; message: string }[] = []
  let live = 0
  let needed = 0
  const isStream = streamKinds.has(user.ref.kind)
  for (const { isConnected, node, types } of clients) {
    if (!isConnected) continue
    const { sent, acknowledged, nack } = isStream ? types.listener : types.route
    const namespace = node.metadata.namespace ?? node.id.split('.').pop() ?? ''
    const carriers = isStream ? listenersFor(user.names, namespace) : routesFor(user.names, namespace)
    const held = carriers.filter((name) => sent.has(name))
    if (held.length === 0) continue
    needed++
    if (held.every((name) => sent.get(name) === acknowledged.get(name))) live++
    else if (nack) rejected.push({ node: node.id, message: nack.message })
  }
  return { live, needed, rejected }
}

/** Clients that take nothing on demand hold all routes of their namespace in one; a consumer's route only in its own. */
function routesFor(names: readonly string[], namespace: string): string[] {
  return namesFor(names, namespace).length > 0 ? [...names, outboundRouteName(namespace)] : [...names]
}

/** Kinds whose rules stand in listeners. */
const streamKinds: ReadonlySet<string> = new Set(['TCPRoute', 'TLSRoute', 'UDPRoute'])

/** A destination that is looked up, and the listener of its own that an application has for it. */
function listenersFor(names: readonly string[], namespace: string): string[] {
  return namesFor(names, namespace).flatMap((name) => {
    const destination = name.split('@', 1)[0]!
    return [destination, `explicit:${destination}`]
  })
}

/** Those that callers of the namespace go by. */
function namesFor(names: readonly string[], namespace: string): string[] {
  return names.filter((name) => !name.includes('@') || name.endsWith(`@${namespace}`))
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
    const condition = programmed(livenessOf(clients, { ref: status.ref, names }))
    const parents = status.parents.map((parent) => {
      const isAccepted = parent.conditions.some(({ type, status: value }) => type === 'Accepted' && value === 'True')
      return isAccepted ? { ...parent, conditions: [...parent.conditions, condition] } : parent
    })
    return { ...status, parents }
  })
}
