/** May a port go `Strict`? From the traffic that its sidecars have seen, never from a guess: what was not seen is said to be unknown. */
import type { MutualTlsMode } from '#/model/mutual-tls.ts'
import type { LedgerSource, MeshEdge, MeshTraffic } from '#/model/traffic.ts'
import type { Workload } from '#/model/workload.ts'

/**
 * `strict`: it is. `safe`: all that was seen was mutual TLS. `plaintext`: somebody would be locked out. `quiet`: nobody has called it.
 * `unseen`: a sidecar of it could not be asked. `unable`: its sidecar has no identity. `disabled`: a policy turns mutual TLS off.
 */
export type StrictVerdict = 'strict' | 'safe' | 'plaintext' | 'quiet' | 'unseen' | 'unable' | 'disabled'

/** One who speaks, or spoke, without mutual TLS. */
export interface PlainCaller {
  /** `shop/frontend (10.1.2.3)`, `10.1.0.0/24` */
  who: string
  /** `tls`: TLS, but the application's own. */
  security: 'plaintext' | 'tls'
  /** It was turned away. */
  isDenied: boolean
  count: number
  lastMs: number
}

export interface PortReadiness {
  namespace: string
  workload: string
  port: number
  mode: MutualTlsMode | 'none'
  verdict: StrictVerdict
  why: string
  /** Requests and streams by mutual TLS. */
  mutualTls: number
  /** Requests and streams without that were let through. */
  plaintext: number
  callers: readonly PlainCaller[]
}

type SeenWorkload = Pick<Workload, 'namespace' | 'workload' | 'pod' | 'ports' | 'hasIdentity'>

/** UDP aside, which has no TLS. In the order of namespaces, workloads and ports. */
export function strictReadiness(workloads: readonly SeenWorkload[], traffic: MeshTraffic): PortReadiness[] {
  const edges = Map.groupBy(
    traffic.edges.filter(({ direction }) => direction === 'inbound'),
    ({ workload, port }) => portKey(workload, port),
  )
  const sources = new Map(traffic.sources.map((source) => [source.node, source]))
  const ports = new Map<string, PortFacts>()
  for (const workload of workloads) {
    const name = `${workload.namespace}/${workload.workload}`
    for (const { port, transport, mutualTls } of workload.ports) {
      if (transport === 'udp') continue
      const key = portKey(name, port)
      const facts = ports.get(key) ?? { ...workload, port, modes: new Set(), sources: [] }
      facts.modes.add(mutualTls ?? 'none')
      facts.sources.push(sources.get(`${workload.pod}.${workload.namespace}`))
      ports.set(key, facts)
    }
  }
  return [...ports].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, facts]) => judge(facts, edges.get(key) ?? []))
}

interface PortFacts {
  namespace: string
  workload: string
  port: number
  /** Of the replicas, which differ while a change is under way. */
  modes: Set<MutualTlsMode | 'none'>
  sources: (LedgerSource | undefined)[]
}

function portKey(workload: string, port: number): string {
  return `${workload} ${String(port).padStart(5, '0')}`
}

function judge({ namespace, workload, port, modes, sources }: PortFacts, edges: readonly MeshEdge[]): PortReadiness {
  const mode = modes.size === 1 ? [...modes][0]! : modes.has('permissive') ? 'permissive' : 'none'
  const plain = edges.filter(({ security }) => security !== 'mutual_tls')
  const mutualTls = sum(edges.filter(({ security, verdict }) => security === 'mutual_tls' && verdict !== 'denied'))
  const plaintext = sum(plain.filter(({ verdict }) => verdict !== 'denied'))
  const unseen = sources.filter((source) => source?.state !== 'told')
  const verdict = verdictOf({ mode, mutualTls, plaintext, isUnseen: unseen.length > 0 })
  const callers = plainCallers(plain)
  const why = whyOf(verdict, { mutualTls, callers, unseen, all: sources.length })
  return { namespace, workload, port, mode, verdict, why, mutualTls, plaintext, callers }
}

function verdictOf(facts: {
  mode: PortReadiness['mode']
  mutualTls: number
  plaintext: number
  isUnseen: boolean
}): StrictVerdict {
  const { mode, mutualTls, plaintext, isUnseen } = facts
  if (mode === 'strict') return 'strict'
  if (mode === 'none') return 'unable'
  // Not even those with an identity can use it.
  if (mode === 'disabled') return 'disabled'
  if (plaintext > 0) return 'plaintext'
  if (isUnseen) return 'unseen'
  return mutualTls > 0 ? 'safe' : 'quiet'
}

interface Reasons {
  mutualTls: number
  callers: readonly PlainCaller[]
  unseen: readonly (LedgerSource | undefined)[]
  all: number
}

function whyOf(verdict: StrictVerdict, { mutualTls, callers, unseen, all }: Reasons): string {
  const allowed = callers.filter(({ isDenied }) => !isDenied).map(({ who }) => who)
  const denied = callers.filter(({ isDenied }) => isDenied).map(({ who }) => who)
  switch (verdict) {
    case 'strict':
      return denied.length === 0 ? 'nobody was turned away' : `turned away: ${namesOf(denied)}`
    case 'safe':
      return mutualTls === 1 ? 'its one call came by mutual TLS' : `all ${mutualTls} calls came by mutual TLS`
    case 'plaintext':
      return `would be turned away: ${namesOf(allowed)}`
    case 'quiet':
      return 'nobody has called it in this time'
    case 'unseen':
      return `${unseen.length} of ${all} sidecars could not be asked: ${unseen[0]?.detail || 'not known yet'}`
    case 'unable':
      return 'its sidecar has no certificate of the mesh'
    case 'disabled':
      return 'an AuthenticationPolicy turns mutual TLS off'
  }
}

const namesMax = 3

function namesOf(names: readonly string[]): string {
  const shown = [...new Set(names)]
  const more = shown.length > namesMax ? ` and ${shown.length - namesMax} more` : ''
  return `${shown.slice(0, namesMax).join(', ')}${more}`
}

/** The most frequent first. */
function plainCallers(edges: readonly MeshEdge[]): PlainCaller[] {
  const callers = new Map<string, PlainCaller>()
  for (const edge of edges) {
    const security = edge.security === 'tls' ? 'tls' : 'plaintext'
    const isDenied = edge.verdict === 'denied'
    const who = whoOf(edge)
    const key = `${who} ${security} ${isDenied}`
    const known = callers.get(key)
    if (known) {
      known.count += edge.count
      known.lastMs = Math.max(known.lastMs, edge.lastMs)
    } else callers.set(key, { who, security, isDenied, count: edge.count, lastMs: edge.lastMs })
  }
  return [...callers.values()].sort((a, b) => b.count - a.count)
}

/** Of an edge without mutual TLS. */
export function whoOf({ caller, addressBlock }: Pick<MeshEdge, 'caller' | 'addressBlock'>): string {
  const address = addressBlock.replace(/\/(32|128)$/, '')
  if (caller === '') return address
  return address === '' ? caller : `${caller} (${address})`
}

function sum(edges: readonly MeshEdge[]): number {
  return edges.reduce((total, { count }) => total + count, 0)
}
