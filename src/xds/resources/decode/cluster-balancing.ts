/** How a cluster's endpoints are picked: `lb_policy`, or the newer `load_balancing_policy`, which wins. */
import type { ClusterDiscovery, LoadBalancing } from '#/model/cluster.ts'
import type { FieldReader } from './field-reader.ts'

const classicPolicies: Readonly<Record<string, LoadBalancing>> = {
  ROUND_ROBIN: 'round-robin',
  LEAST_REQUEST: 'least-request',
  RANDOM: 'random',
  RING_HASH: 'ring-hash',
  MAGLEV: 'maglev',
}

const policyTypes: Readonly<Record<string, LoadBalancing>> = {
  'envoy.extensions.load_balancing_policies.round_robin.v3.RoundRobin': 'round-robin',
  'envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest': 'least-request',
  'envoy.extensions.load_balancing_policies.random.v3.Random': 'random',
}

/** The first policy of the list that is known counts (LoadBalancingPolicy); the others are for other clients. */
function readPolicyList(policy: FieldReader): LoadBalancing {
  let found: LoadBalancing | undefined
  for (const entry of policy.messages('policies')) {
    const extension = entry.message('typed_extension_config')
    const typed = found ? undefined : extension?.any('typed_config')
    const known = typed && policyTypes[typed.typeName]
    if (known) {
      found = known
      typed.open(typed.typeName)
    } else {
      entry.skip()
      extension?.skip()
    }
  }
  if (!found) policy.fault('policies', 'none of them is supported by this proxy')
  return found ?? 'round-robin'
}

/** A cluster of these has its one endpoint from elsewhere: there is nothing to balance. */
function isProvided(discovery: ClusterDiscovery): boolean {
  return discovery.type === 'original-destination' || discovery.type === 'dynamic'
}

export function readBalancing(reader: FieldReader, discovery: ClusterDiscovery): LoadBalancing {
  const classic = reader.enumeration('lb_policy', 'ROUND_ROBIN')
  // Tuning of the classic policies: a slow start in it is refused by name.
  reader.message('least_request_lb_config')
  reader.message('round_robin_lb_config')
  reader.message('ring_hash_lb_config')
  reader.message('maglev_lb_config')
  const policy = reader.message('load_balancing_policy')
  if (policy) return readPolicyList(policy)
  if (classic === 'CLUSTER_PROVIDED' && isProvided(discovery)) return 'round-robin'
  const known = classicPolicies[classic]
  if (!known) reader.fault('lb_policy', `${classic} is unsupported by this proxy`)
  return known ?? 'round-robin'
}
