/** Traffic that was seen → AccessPolicies that allow it and nothing else, one for each application that was called. */
import {
  type AccessOperation,
  type AccessPolicy,
  type AccessPolicyRule,
  accessPolicySchema,
} from '#/api/access-policy.ts'
import { accessPolicyFaults } from '#/api/access-policy-rules.ts'
import { parseSpiffeId, serviceAccountOf } from '#/identity/spiffe/spiffe-id.ts'
import { plainPaths } from '#/model/path-rules.ts'
import { type MeshEdge, missingPath } from '#/model/traffic.ts'
import type { Workload } from '#/model/workload.ts'
import { normalizePath } from '#/proxy/policy/path-normal.ts'

/** Traffic for which no rule was made. */
export interface LeftOut {
  workload: string
  port: number
  who: string
  what: string
  count: number
  why: string
}

export interface SeenPolicies {
  policies: AccessPolicy[]
  leftOut: LeftOut[]
}

export interface SeenTraffic {
  workloads: readonly Pick<Workload, 'namespace' | 'workload' | 'labels'>[]
  edges: readonly MeshEdge[]
  /** Of the mesh: callers of others are named with theirs. */
  trustDomain: string
  /** Callers that have not proven who they are are allowed by address. */
  withAddresses: boolean
}

/** Which workloads one policy is for. */
interface Target {
  namespace: string
  name: string
  labels: Record<string, string>
}

export function policiesFromTraffic({ workloads, edges, trustDomain, withAddresses }: SeenTraffic): SeenPolicies {
  const targets = targetsOf(workloads)
  const leftOut: LeftOut[] = []
  const grants = new Map<Target, Grant[]>()
  for (const edge of edges) {
    const target = targets.get(edge.workload)
    if (edge.direction !== 'inbound' || edge.verdict === 'denied' || !target) continue
    const grant = grantOf(edge, { trustDomain, withAddresses })
    const fault = typeof grant === 'string' ? grant : faultsOf(policyOf(target, [grant as Grant]))[0]
    if (fault !== undefined) leftOut.push(leftOutOf(edge, fault))
    else grants.set(target, [...(grants.get(target) ?? []), grant as Grant])
  }
  const policies = [...grants].flatMap(([target, own]) => policiesOf(target, own)).sort(byName)
  return { policies, leftOut: mergeLeftOut(leftOut) }
}

/** By `NAMESPACE/WORKLOAD`. Versions of one application have one policy, by their label `app`. */
function targetsOf(workloads: SeenTraffic['workloads']): Map<string, Target> {
  const targets = new Map<string, Target>()
  const byApplication = new Map<string, Target>()
  const replicas = Map.groupBy(workloads, ({ namespace, workload }) => `${namespace}/${workload}`)
  for (const [key, pods] of replicas) {
    const { namespace, workload } = pods[0]!
    const labels = labelsInCommon(pods.map((pod) => pod.labels))
    const label = ['app', 'app.kubernetes.io/name'].find((name) => labels[name] !== undefined)
    const chosen = label ? { [label]: labels[label]! } : labels
    if (Object.keys(chosen).length === 0) continue
    const name = label ? labels[label]! : workload
    const application = `${namespace} ${JSON.stringify(chosen)}`
    const target = byApplication.get(application) ?? {
      namespace,
      name: `${name.toLowerCase()}-as-seen`,
      labels: chosen,
    }
    byApplication.set(application, target)
    targets.set(key, target)
  }
  return targets
}

/** What each replica has anew is no sign of the workload. */
const ofReplica =
  /^(pod-template-hash|controller-revision-hash|statefulset\.kubernetes\.io\/pod-name|apps\.kubernetes\.io\/pod-index)$/

function labelsInCommon([first = {}, ...others]: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  const shared = Object.entries(first).filter(
    ([name, value]) => !ofReplica.test(name) && others.every((labels) => labels[name] === value),
  )
  return Object.fromEntries(shared)
}

/** One caller may do one thing. */
interface Grant {
  source: { list: 'serviceAccounts' | 'ipBlocks'; entry: string; trustDomain: string }
  port: number
  /** Neither for streams. */
  path: string
  method: string
  grpc: boolean
}

/** @returns why there is no rule for it. */
function grantOf(edge: MeshEdge, options: Pick<SeenTraffic, 'trustDomain' | 'withAddresses'>): Grant | string {
  const source = sourceOf(edge, options)
  if (typeof source === 'string') return source
  const { port, protocol, method } = edge
  if (port === 0) return 'nobody said which port it was'
  const grpc = protocol === 'grpc'
  if (protocol === 'tcp' || protocol === 'udp') return { source, port, path: '', method: '', grpc }
  if (edge.path === missingPath) return 'the application has nothing there (404)'
  const path = normalizePath(edge.path, plainPaths)
  if (path === undefined) return 'its path can be read in two ways'
  if (path === '/**') return 'too many different paths were called to name them'
  return { source, port, path, method, grpc }
}

function sourceOf(
  { principal, addressBlock, caller }: MeshEdge,
  { trustDomain, withAddresses }: Pick<SeenTraffic, 'trustDomain' | 'withAddresses'>,
): Grant['source'] | string {
  if (principal === '') {
    if (addressBlock === '' || !withAddresses)
      return `plaintext: nobody has proven who it was${caller || addressBlock ? '; --with-addresses allows it by address' : ''}`
    return { list: 'ipBlocks', entry: addressBlock, trustDomain: '' }
  }
  const id = parseSpiffeId(principal)
  const account = typeof id === 'string' ? undefined : serviceAccountOf(id)
  if (!account || typeof id === 'string') return `${principal} names no service account`
  const { namespace, serviceAccount } = account
  const foreign = id.trustDomain === trustDomain ? '' : id.trustDomain
  return { list: 'serviceAccounts', entry: `${namespace}/${serviceAccount}`, trustDomain: foreign }
}

/** Of a policy, and of a list in a rule (src/api/access-policy.ts). */
const rulesMax = 64
const textsMax = 256

/** More than one where one can't hold all rules; they add up. */
function policiesOf(target: Target, grants: readonly Grant[]): AccessPolicy[] {
  const whole = policyOf(target, grants)
  const { rules = [] } = whole.spec
  return chunksOf(rules, rulesMax).map((part, index) => {
    const name = index === 0 ? target.name : `${target.name}-${index + 1}`
    return { ...whole, metadata: { ...whole.metadata, name }, spec: { ...whole.spec, rules: part } }
  })
}

function chunksOf<T>(list: readonly T[], max: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / max) }, (_, i) => list.slice(i * max, (i + 1) * max))
}

function policyOf({ namespace, name, labels }: Target, grants: readonly Grant[]): AccessPolicy {
  const bySource = Map.groupBy(grants, ({ source }) => JSON.stringify(source))
  // Callers that may do the same share a rule.
  const byOperations = new Map<string, { sources: Grant['source'][]; to: AccessOperation[] }>()
  for (const own of [...bySource.values()].sort((a, b) => (a[0]!.source.entry < b[0]!.source.entry ? -1 : 1))) {
    const { list, trustDomain } = own[0]!.source
    const to = operationsOf(own)
    const key = JSON.stringify([list, trustDomain, to])
    const rule = byOperations.get(key)
    if (rule) rule.sources.push(own[0]!.source)
    else byOperations.set(key, { sources: [own[0]!.source], to })
  }
  const rules = [...byOperations.values()].map(({ sources, to }): AccessPolicyRule => {
    const { list, trustDomain } = sources[0]!
    const entries = sources.map(({ entry }) => entry)
    return { from: [{ [list]: entries, ...(trustDomain ? { trustDomains: [trustDomain] } : {}) }], to }
  })
  return {
    apiVersion: 'weft.dev/v1alpha1',
    kind: 'AccessPolicy',
    metadata: { name, namespace },
    spec: { selector: { matchLabels: labels }, action: 'Allow', rules },
  }
}

/** One operation for all paths that are called by the same methods at one port. */
function operationsOf(grants: readonly Grant[]): AccessOperation[] {
  const ports = [...Map.groupBy(grants, ({ port }) => port)].sort(([a], [b]) => a - b)
  return ports.flatMap(([port, own]) => {
    if (own.some(({ method }) => method === '')) return [{ ports: [port] }]
    const operations: AccessOperation[] = []
    const grpc = grpcOf(own.filter((grant) => grant.grpc))
    if (grpc.length > 0) operations.push({ ports: [port], grpc })
    const methodsOf = Map.groupBy(
      own.filter((grant) => !grant.grpc),
      ({ path }) => path,
    )
    const byMethods = Map.groupBy([...methodsOf.keys()].sort(), (path) =>
      [...new Set(methodsOf.get(path)!.map(({ method }) => method))].sort().join(' '),
    )
    for (const [methods, paths] of [...byMethods].sort(([a], [b]) => (a < b ? -1 : 1)))
      for (const part of chunksOf(paths, textsMax))
        operations.push({ ports: [port], methods: methods.split(' '), paths: part })
    return operations
  })
}

function grpcOf(grants: readonly Grant[]): NonNullable<AccessOperation['grpc']> {
  const names = [...new Set(grants.map(({ path }) => path))].sort().map((path) => path.split('/'))
  return [...Map.groupBy(names, ([, service]) => service!)].map(([service, own]) => ({
    service,
    methods: own.map(([, , method]) => method!),
  }))
}

/** @returns what is wrong with a policy that was made: paths that no rule can name. */
function faultsOf(policy: AccessPolicy): string[] {
  const parsed = accessPolicySchema.safeParse(policy)
  if (!parsed.success) return parsed.error.issues.map(({ message }) => message)
  return accessPolicyFaults(parsed.data).map(({ message }) => message)
}

function leftOutOf(edge: MeshEdge, why: string): LeftOut {
  const { workload, port, principal, caller, addressBlock, protocol, method, path, count } = edge
  const who = principal || [caller, addressBlock].filter((text) => text !== '').join(' ') || 'unknown'
  return { workload, port, who, what: method === '' ? protocol : `${method} ${path}`, count, why }
}

function mergeLeftOut(all: readonly LeftOut[]): LeftOut[] {
  const merged = new Map<string, LeftOut>()
  for (const one of all) {
    const key = JSON.stringify({ ...one, count: 0 })
    const known = merged.get(key)
    if (known) known.count += one.count
    else merged.set(key, { ...one })
  }
  return [...merged.values()].sort((a, b) => b.count - a.count)
}

function byName({ metadata: a }: AccessPolicy, { metadata: b }: AccessPolicy): number {
  const [left, right] = [`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`]
  return left < right ? -1 : left > right ? 1 : 0
}
