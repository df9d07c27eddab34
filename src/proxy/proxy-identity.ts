/** Whom the proxy serves, and who it is to the control plane, from its settings. */
import type { ProxySettings } from '#/config/proxy-settings.ts'
import type { WorkloadIdentity } from '#/model/workload.ts'
import type { XdsNode } from '#/xds/node.ts'

type IdentitySettings = Pick<
  ProxySettings,
  'nodeId' | 'cluster' | 'namespace' | 'app' | 'appVersion' | 'serviceAccount'
>

/** A node id is `POD.NAMESPACE`; names of namespaces hold no dot, those of pods may. */
export function identityOf(settings: IdentitySettings): WorkloadIdentity {
  const { nodeId, cluster, app, appVersion, serviceAccount } = settings
  const dot = nodeId.lastIndexOf('.')
  const pod = dot < 0 ? nodeId : nodeId.slice(0, dot)
  const namespace = settings.namespace || (dot < 0 ? '' : nodeId.slice(dot + 1))
  return { namespace, workload: cluster, pod, serviceAccount, app: app || cluster, version: appVersion }
}

/** @param version of this program. */
export function nodeOf(settings: IdentitySettings, version: string): XdsNode {
  const { namespace, workload } = identityOf(settings)
  return {
    id: settings.nodeId,
    cluster: workload,
    userAgent: 'weft',
    userAgentVersion: version,
    metadata: { namespace, workload },
  }
}
