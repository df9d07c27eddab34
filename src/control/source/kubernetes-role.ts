/** The least rights that the control plane works with: what the source reads, and its Lease. A test holds them against the calls made. */
import { leaseResource } from '#/kubernetes/leader-lease.ts'
import { resourcesOf, watchedKinds } from './kubernetes-kind.ts'

export interface PolicyRule {
  apiGroups: string[]
  resources: string[]
  verbs: string[]
}

/** Cluster-wide: reading only. Neither Secrets nor anything that starts a process. */
export function clusterRules(): PolicyRule[] {
  const byGroup = Map.groupBy(
    watchedKinds.map((kind) => resourcesOf(kind)[0]!),
    ({ group }) => group,
  )
  return [...byGroup].map(([group, resources]) => ({
    apiGroups: [group],
    resources: resources.map(({ plural }) => plural).sort(),
    verbs: ['list', 'watch'],
  }))
}

/** In the control plane's own namespace. `create` can't be held to a name (RBAC, "Referring to resources"). */
export function namespaceRules(): PolicyRule[] {
  const { group, plural } = leaseResource
  return [{ apiGroups: [group], resources: [plural], verbs: ['get', 'create', 'update'] }]
}

export const clusterRole = (name: string) => ({
  apiVersion: 'rbac.authorization.k8s.io/v1',
  kind: 'ClusterRole',
  metadata: { name, labels: { 'app.kubernetes.io/part-of': 'weft' } },
  rules: clusterRules(),
})
