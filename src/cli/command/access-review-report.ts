/** Who can reach what by the rules in force, who did, and what nobody has used: each right with its use. */
import type { AccessRule, AccessRules } from '#/model/access.ts'
import type { MeshEdge, MeshTraffic } from '#/model/traffic.ts'
import type { Workload } from '#/model/workload.ts'
import { AccessTable } from '#/proxy/policy/access/access-table.ts'
import { type AccessQuestion, compileCondition, no } from '#/proxy/policy/access/condition.ts'
import { conditionText } from './access-review-words.ts'

/**
 * `used` within the time that was looked at, or `unused`. `open`: no policy limits it. `denied`: a rule forbids it. `refused`: it was
 * tried, and denied then. `withdrawn`: it was done, and the rules of today would deny it.
 */
export type AccessUse = 'used' | 'unused' | 'open' | 'denied' | 'refused' | 'withdrawn'

/** One caller's right to one thing, or its try. */
export interface AccessRow {
  /** `NAMESPACE/SERVICEACCOUNT`, an id of another form, an address, or `anybody`. */
  caller: string
  /** `NAMESPACE/WORKLOAD` */
  workload: string
  port: number
  what: string
  /** That allows or refuses it; empty for none. */
  rule: string
  use: AccessUse
  count: number
  /** Milliseconds since 1970; 0 for never. */
  lastMs: number
}

export interface ReviewInput {
  workloads: readonly Workload[]
  traffic: MeshTraffic
  trustDomain: string
}

interface Served {
  workload: string
  port: number
  rules: AccessRules | undefined
  edges: readonly MeshEdge[]
}

const anybody = 'anybody'
/** Rules that nobody wrote (src/control/translate/access). */
const ownRules = 'weft '

export function reviewAccess({ workloads, traffic, trustDomain }: ReviewInput): AccessRow[] {
  const inbound = traffic.edges.filter(({ direction }) => direction === 'inbound')
  const byPort = Map.groupBy(inbound, ({ workload, port }) => `${workload}:${port}`)
  const served = new Map<string, Served>()
  for (const { namespace, workload: name, ports } of workloads) {
    const workload = `${namespace}/${name}`
    for (const { port, access: rules } of ports) {
      const key = `${workload}:${port}`
      if (!served.has(key)) served.set(key, { workload, port, rules, edges: byPort.get(key) ?? [] })
    }
  }
  const ids = new Set([
    ...workloads.map(({ namespace, serviceAccount }) => `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`),
    ...inbound.map(({ principal }) => principal).filter((principal) => principal !== ''),
  ])
  const rows = [...served.values()].flatMap((one) => rowsOf(one, [...ids].sort()))
  return rows
    .map((row) => ({ ...row, caller: shortName(row.caller, trustDomain) }))
    .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
}

function rowsOf(served: Served, ids: readonly string[]): AccessRow[] {
  const refused = refusals(served)
  const { rules } = served
  const denied = deniedRows(served, rules?.deny ?? [], ids)
  if (!rules?.allow) return [...openRows(served), ...denied, ...refused]
  const table = new AccessTable(rules)
  const uses = new Map<string, MeshEdge[]>()
  const withdrawn: MeshEdge[] = []
  for (const edge of served.edges) {
    if (edge.verdict === 'denied') continue
    const decision = table.decide(questionOf(edge))
    if (decision.isAllowed) uses.set(decision.rule, [...(uses.get(decision.rule) ?? []), edge])
    else withdrawn.push(edge)
  }
  const granted = rules.allow.flatMap((rule) => rowsOfRule(rule, { served, ids, edges: uses.get(rule.name) ?? [] }))
  return [...granted, ...denied, ...rowsByCaller(served, withdrawn, 'withdrawn'), ...refused]
}

/** Where no Allow applies whoever is not denied may do everything: one line for all. */
function openRows({ workload, port, edges }: Served): AccessRow[] {
  const use = useOf(edges.filter(({ verdict }) => verdict !== 'denied'))
  return [{ caller: anybody, workload, port, what: 'everything', rule: '', ...use, use: 'open' }]
}

/** What is taken out of what is allowed. */
function deniedRows(served: Served, deny: readonly AccessRule[], ids: readonly string[]): AccessRow[] {
  const { workload, port } = served
  const written = deny.filter(({ name }) => !name.startsWith(ownRules))
  return written.flatMap((rule) =>
    callersOf(rule, { port, ids }).map((caller) => ({
      caller,
      workload,
      port,
      what: conditionText(rule.permission),
      rule: rule.name,
      use: 'denied' as const,
      count: 0,
      lastMs: 0,
    })),
  )
}

function rowsOfRule(
  rule: AccessRule,
  { served, ids, edges }: { served: Served; ids: readonly string[]; edges: readonly MeshEdge[] },
): AccessRow[] {
  const { workload, port } = served
  const callers = callersOf(rule, { port, ids })
  return callers.map((caller) => {
    // A rule for anybody, or for addresses, is used by whoever came by it.
    const own =
      callers.length === 1 && !ids.includes(caller) ? edges : edges.filter(({ principal }) => principal === caller)
    const use = useOf(own)
    return { caller, workload, port, what: conditionText(rule.permission), rule: rule.name, ...use }
  })
}

/** Ids that a rule is for; where it is for none that is known, its own words. */
function callersOf({ principal, name }: AccessRule, { port, ids }: { port: number; ids: readonly string[] }): string[] {
  const condition = compileCondition(principal, name)
  const isFor = (principals: readonly string[]): boolean => condition.test({ principals, address: '', port }) !== no
  if (isFor([])) return [anybody]
  const known = ids.filter((id) => isFor([id]))
  return known.length > 0 ? known : [conditionText(principal)]
}

function refusals(served: Served): AccessRow[] {
  const denied = served.edges.filter(({ verdict }) => verdict === 'denied')
  return rowsByCaller(served, denied, 'refused')
}

/** A line for each caller and rule, with what it did. */
function rowsByCaller({ workload, port }: Served, edges: readonly MeshEdge[], use: AccessUse): AccessRow[] {
  const groups = Map.groupBy(edges, (edge) => `${callerOf(edge)} ${edge.rule}`)
  return [...groups.values()].map((own) => {
    const { count, lastMs } = useOf(own)
    const what = [...new Set(own.map(({ method, path, protocol }) => (method === '' ? protocol : `${method} ${path}`)))]
    const more = what.length > 3 ? ` and ${what.length - 3} more` : ''
    const first = own[0]!
    return {
      caller: callerOf(first),
      workload,
      port,
      what: what.slice(0, 3).join(' or ') + more,
      rule: first.rule,
      use,
      count,
      lastMs,
    }
  })
}

function callerOf({ principal, caller, addressBlock }: MeshEdge): string {
  return (
    principal || [caller, addressBlock.replace(/\/(32|128)$/, '')].filter((text) => text !== '').join(' ') || anybody
  )
}

function useOf(edges: readonly MeshEdge[]): Pick<AccessRow, 'use' | 'count' | 'lastMs'> {
  const count = edges.reduce((sum, edge) => sum + edge.count, 0)
  const lastMs = edges.reduce((last, edge) => Math.max(last, edge.lastMs), 0)
  return { use: count > 0 ? 'used' : 'unused', count, lastMs }
}

/** The edge as a request again: ids are any, and hosts are not known. */
function questionOf({ principal, addressBlock, port, protocol, method, path }: MeshEdge): AccessQuestion {
  const asked: AccessQuestion = {
    principals: principal === '' ? [] : [principal],
    address: addressBlock.replace(/\/\d+$/, ''),
    port,
  }
  if (method === '') return asked
  const isGrpc = protocol === 'grpc'
  const head: NonNullable<AccessQuestion['head']> = {
    method,
    scheme: 'http',
    authority: '',
    path: path.replaceAll('{id}', '1').replace('**', 'rest'),
    headers: isGrpc ? ['content-type', 'application/grpc'] : [],
    version: isGrpc ? 'HTTP/2' : 'HTTP/1.1',
    bodyLength: 0,
    upgrade: '',
    expectsContinue: false,
    isAbsolute: false,
  }
  return { ...asked, head }
}

/** Accounts of the mesh by their name alone, wherever they stand. */
function shortName(text: string, trustDomain: string): string {
  return text.replaceAll(`spiffe://${trustDomain}/ns/`, '').replaceAll('/sa/', '/')
}

function sortKey({ workload, port, caller, rule }: AccessRow): string {
  return `${workload} ${String(port).padStart(5, '0')} ${caller} ${rule}`
}
