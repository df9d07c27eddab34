/** A client of the control plane as `weft proxy status` shows it. */
import type { Mesh } from '#/model/mesh.ts'
import type { KnownClient } from '#/xds/serve/ads-server.ts'
import type { TypeSubscription } from '#/xds/serve/type-subscription.ts'
import type { ProxyReport, ProxyTypeReport } from '../api/control-state.ts'

function typeReport(type: TypeSubscription): ProxyTypeReport {
  const { sent, acknowledged, nack } = type
  const current = [...sent].filter(([name, version]) => acknowledged.get(name) === version).length
  return {
    subscribed: [...(type.isWildcard ? ['*'] : []), ...type.names],
    sent: sent.size,
    acknowledged: current,
    ...(nack
      ? { rejected: { at: new Date(nack.atMs).toISOString(), version: nack.version, message: nack.message } }
      : {}),
  }
}

export function proxyReport(
  client: KnownClient,
  mesh: Mesh | undefined,
  admins: ReadonlyMap<string, string>,
): ProxyReport {
  const { node, isConnected, sinceMs, types } = client
  const workload = mesh?.workloads.get(node.id)
  const [pod = '', namespace = ''] = node.id.split('.')
  const admin = admins.get(node.id)
  const reports = Object.fromEntries(
    Object.values(types)
      .filter(({ isActive }) => isActive)
      .map((type) => [type.kind, typeReport(type)]),
  ) as ProxyReport['types']
  return {
    node: node.id,
    namespace: workload?.namespace ?? node.metadata.namespace ?? namespace,
    workload: workload?.workload ?? node.cluster,
    pod: workload?.pod ?? pod,
    userAgent: node.userAgent,
    userAgentVersion: node.userAgentVersion,
    isConnected,
    since: new Date(sinceMs).toISOString(),
    ...(admin === undefined ? {} : { admin }),
    types: reports,
    isSynced:
      isConnected &&
      Object.values(reports).every(({ sent, acknowledged, rejected }) => sent === acknowledged && !rejected),
  }
}
